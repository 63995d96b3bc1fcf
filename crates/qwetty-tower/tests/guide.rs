//! What `docs/embedding.md` shows is what compiles and is tested.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

#[test]
fn every_file_that_the_guide_shows_is_the_example_s() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(package.join("../../docs/embedding.md")).unwrap();
    let mut shown = 0;
    for (before, after) in
        guide.match_indices("```rust\n").map(|(at, fence)| (&guide[..at], &guide[at + fence.len()..]))
    {
        let named = before.trim_end().lines().last().unwrap();
        let name = named.strip_prefix("`src/").and_then(|name| name.strip_suffix("`:"));
        let name =
            name.unwrap_or_else(|| panic!("a block needs a line `src/NAME.rs`: above it, not {named}"));
        let file = fs::read_to_string(package.join("examples/chats").join(name)).unwrap();
        let (block, _) = after.split_once("```\n").unwrap();
        assert_eq!(block, file, "{name}");
        shown += 1;
    }
    assert_eq!(shown, 6);
}
