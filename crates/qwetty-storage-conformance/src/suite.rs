/// Makes one `#[tokio::test]` of each behaviour of a store; see the crate's documentation.
///
/// `$fresh` names an async function without arguments that gives an empty store and its guard, `$reopen` one that takes a
/// store and a reference to its guard and gives the store closed and opened again.
#[macro_export]
macro_rules! conformance_suite {
    ($fresh:ident) => {
        $crate::__behaviours!(
            $fresh,
            keys,
            [
                a_key_is_found_by_its_current_and_its_previous_digest,
                a_replaced_key_is_found_by_its_new_digests_and_no_longer_by_those_it_dropped,
                a_previous_value_is_found_after_its_overlap_too,
                a_key_that_is_not_there_is_none,
                every_field_of_every_record_reads_back,
                a_key_of_an_unknown_organization_is_not_stored,
                an_inserted_key_has_no_usage_and_no_window,
                a_replacement_is_written_with_its_event,
                a_stale_replacement_changes_nothing,
                a_replacement_of_a_key_that_is_gone_is_stale,
                of_concurrent_replacements_exactly_one_wins,
                a_replacement_leaves_usage_and_window_alone,
                a_removed_key_is_gone_with_its_usage_and_window,
                a_removed_keys_events_stay,
                a_stale_removal_changes_nothing,
                of_a_concurrent_replacement_and_removal_exactly_one_wins,
                many_keys_inserted_at_once_are_all_there,
                a_feed_of_changes_names_every_digest,
            ]
        );
        $crate::__behaviours!(
            $fresh,
            key_lists,
            [
                every_sort_runs_both_ways_with_nulls_last_and_ties_by_id,
                a_sort_by_name_folds_case,
                pages_of_every_size_make_up_the_whole_list,
                a_page_past_the_end_is_empty_and_knows_the_total,
                a_status_is_told_to_the_microsecond,
                a_status_filter_goes_with_every_sort,
                a_status_filter_goes_by_the_later_instant_of_a_key_that_has_one,
                a_search_looks_in_name_description_and_start,
                a_search_takes_every_character_literally,
                a_search_folds_case_beyond_ascii,
                a_search_goes_with_status_and_pages,
                another_organizations_keys_are_never_listed,
                an_unknown_organization_has_no_keys,
            ]
        );
        $crate::__behaviours!(
            $fresh,
            usage,
            [
                a_batch_adds_up_totals_and_hours,
                a_batch_that_comes_again_changes_nothing,
                writers_do_not_stand_in_each_others_way,
                last_use_never_goes_back,
                a_row_without_last_use_keeps_what_is_stored,
                rows_of_keys_that_are_gone_are_dropped,
                hours_are_listed_from_and_up_to,
                forgotten_hours_are_gone_and_totals_stay,
                a_saved_window_comes_back_with_its_key,
                a_later_window_replaces_the_earlier_one,
            ]
        );
        $crate::__behaviours!(
            $fresh,
            directory,
            [
                every_field_of_an_organization_reads_back,
                an_organization_is_replaced_with_its_event,
                a_stale_replacement_of_an_organization_changes_nothing,
                an_organization_with_keys_is_not_removed,
                a_removed_organization_takes_its_channels_and_leaves_its_log,
                an_organization_that_is_not_there_is_not_removed,
                organizations_are_listed_by_age_both_ways,
                organizations_are_searched_by_name,
                every_kind_of_channel_reads_back,
                a_new_channel_does_not_replace_one,
                a_channel_is_replaced_at_its_revision_only,
                a_channel_of_an_unknown_organization_is_stale,
                a_channel_is_removed_at_its_revision_only,
                a_removed_channel_leaves_keys_scoped_to_it,
                channels_belong_to_their_organization,
                channels_are_listed_by_age_and_searched_by_name_and_id,
            ]
        );
        $crate::__behaviours!(
            $fresh,
            audit,
            [
                every_field_of_an_event_reads_back,
                events_come_newest_first_and_ties_by_id,
                events_are_filtered_by_key_and_action,
                a_log_shows_its_own_organization_only,
                an_organization_need_not_exist_to_have_a_log,
                forgotten_events_are_gone_and_counted,
            ]
        );
        $crate::__behaviours!(
            $fresh,
            setup,
            [
                a_new_store_is_empty,
                a_founded_store_has_its_root_key_unannounced,
                an_announced_root_key_completes_the_setup,
                a_store_is_founded_once,
                of_concurrent_foundings_exactly_one_wins,
            ]
        );
    };
    ($fresh:ident, $reopen:ident) => {
        $crate::conformance_suite!($fresh);

        mod durability {
            #[tokio::test]
            async fn everything_is_there_after_a_reopen() {
                let (store, guard) = super::$fresh().await;
                let before = $crate::durability::fill(&store).await;
                let store = super::$reopen(store, &guard).await;
                $crate::durability::everything_is_there(&store, &before).await;
            }

            #[tokio::test]
            async fn a_batch_sent_again_after_a_reopen_changes_nothing() {
                let (store, guard) = super::$fresh().await;
                let before = $crate::durability::fill(&store).await;
                let store = super::$reopen(store, &guard).await;
                $crate::durability::a_batch_sent_again_changes_nothing(&store, &before).await;
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __behaviours {
    ($fresh:ident, $module:ident, [$($behaviour:ident),* $(,)?]) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    let (store, _guard) = super::$fresh().await;
                    $crate::$module::$behaviour(&store).await;
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests {
    /// Every behaviour that is written is also run.
    #[test]
    fn the_suite_leaves_no_behaviour_out() {
        let suite = include_str!("suite.rs");
        for module in [
            include_str!("audit.rs"),
            include_str!("directory.rs"),
            include_str!("key_lists.rs"),
            include_str!("keys.rs"),
            include_str!("setup.rs"),
            include_str!("usage.rs"),
        ] {
            let names =
                module.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
            for name in names {
                assert!(suite.contains(&format!("            {name},\n")), "{name} is not in the suite");
            }
        }
    }
}
