//! The target that `QWETTY_FUZZ` names.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use qwetty_fuzz::{TARGETS, Target};

fn target() -> &'static Target {
    static TARGET: OnceLock<&'static Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("QWETTY_FUZZ").expect("QWETTY_FUZZ names a target");
        TARGETS.iter().find(|target| target.name == name).expect("a target of this name")
    })
}

fuzz_target!(|data: &[u8]| (target().run)(data));
