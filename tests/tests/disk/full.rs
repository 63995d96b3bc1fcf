use std::path::Path;
use std::process::Command;

use qwetty_tests::Launch;
use serde_json::json;

use crate::{everything_works, keys_in_use, nothing_changes};

/// A file system of its own, unmounted when dropped.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    /// One of so many KiB at `path`; `None` where this may not be mounted.
    fn mount(path: &'a Path, size: u32) -> Option<Self> {
        std::fs::create_dir(path).unwrap();
        let options = format!("size={size}k,mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(path))
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let _ = std::fs::write(self.0.join("ballast"), vec![1; 16 << 20]);
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[tokio::test]
async fn a_full_file_system_stops_changes_until_there_is_room_again() {
    let launch = Launch::serve();
    let path = launch.directory().join("small");
    let small = Small::mount(&path, 4096);
    // A container may not mount; the faulty disk stands in for it there.
    if !may_be_missing("the right to mount a tmpfs", small.is_some()) {
        return;
    }
    let small = small.unwrap();
    let server = launch.with(["--database", "small/qwetty.db"]).start().await;
    let keys = keys_in_use(&server).await;
    let mut root = server.root();
    small.fill();
    // The log has some room left within what it takes on the disk.
    let mut made = 0;
    while root.post("/api/v1/api-keys", json!({"name": "Filler", "permissions": ["chats:read"]})).await.status
        == 201
    {
        made += 1;
        assert!(made < 1000, "the file system is never full");
    }
    nothing_changes(&mut root, &keys[0]).await;
    let listed = root.get("/api/v1/api-keys").await.expect(200).json();
    assert_eq!(listed["meta"]["total"], 3 + made, "reading goes on");
    small.empty();
    for filler in
        root.get("/api/v1/api-keys?search=Filler&limit=100").await.expect(200).data().as_array().unwrap()
    {
        let id = filler["id"].as_str().unwrap();
        root.delete(&format!("/api/v1/api-keys/{id}")).await.expect(204);
    }
    everything_works(server, keys).await;
}

fn may_be_missing(what: &str, found: bool) -> bool {
    if !found {
        eprintln!("skipped: {what} is missing");
    }
    found
}
