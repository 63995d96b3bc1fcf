//! The console's own files: one style sheet, one script, one icon, built into the program.

/// A file that pages refer to.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Its name, which tells by a hash what is in it.
    name: String,
    pub(crate) bytes: &'static [u8],
    pub(crate) media_type: &'static str,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Assets {
    pub(crate) style: Asset,
    pub(crate) script: Asset,
    pub(crate) icon: Asset,
}

impl Asset {
    fn of(stem: &str, extension: &str, bytes: &'static [u8], media_type: &'static str) -> Self {
        let hash: String = blake3::hash(bytes).to_hex().chars().take(16).collect();
        Self { name: format!("{stem}.{hash}.{extension}"), bytes, media_type }
    }

    /// Where it is served.
    pub(crate) fn path(&self) -> String {
        format!("/settings/assets/{}", self.name)
    }
}

impl Assets {
    pub(crate) fn new() -> Self {
        Self {
            style: Asset::of(
                "console",
                "css",
                include_bytes!("../assets/console.css"),
                "text/css; charset=utf-8",
            ),
            script: Asset::of(
                "console",
                "js",
                include_bytes!("../assets/console.js"),
                "text/javascript; charset=utf-8",
            ),
            icon: Asset::of("icon", "svg", include_bytes!("../assets/icon.svg"), "image/svg+xml"),
        }
    }

    /// The file of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Asset> {
        [&self.style, &self.script, &self.icon].into_iter().find(|asset| asset.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_whole_name_alone() {
        let assets = Assets::new();
        for asset in [&assets.style, &assets.script, &assets.icon] {
            let name = asset.path().strip_prefix("/settings/assets/").unwrap().to_owned();
            assert_eq!(assets.named(&name).unwrap().bytes, asset.bytes);
        }
        assert!(assets.named("console.css").is_none());
    }
}
