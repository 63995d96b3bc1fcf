//! A small chats API for customers' programs: whoever calls it carries an API key.
#![allow(clippy::print_stdout, reason = "a program talks to whoever starts it")]

mod admitted;
mod chats;
mod contacts;
mod desk;
mod first_keys;
mod guarded;
mod templates;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use qwetty::Engine;
use qwetty_guard::RequestIds;
use qwetty_storage_sqlite::{Options, SqliteStore};
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut listen, mut database) = ("127.0.0.1:3000".to_owned(), PathBuf::from("chats.db"));
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--listen" => listen = value,
            "--database" => database = value.into(),
            _ => return Err(format!("{option} is no option; there are --listen and --database").into()),
        }
    }

    let store = Arc::new(SqliteStore::open(database, Options::default())?);
    let engine = Engine::builder(store.clone()).start()?;
    let manager = engine.manager();
    if let Some(first) = first_keys::make(&manager).await? {
        println!("root key: {}", first.root.value.expose());
        println!("sales key: {}", first.sales.value.expose());
        // Only now: whoever is killed before this line is given new ones at the next start.
        manager.root_announced().await?;
    }

    let mut seed = [0; 16];
    SysRng.try_fill_bytes(&mut seed)?;
    let app = guarded::app(&engine, RequestIds::new(u128::from_le_bytes(seed)));

    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    let listener = TcpListener::bind(&listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop)
        .await?;

    // What was counted since the last second, and the quota windows, go to the file.
    engine.shutdown().await?;
    store.close().await;
    Ok(())
}
