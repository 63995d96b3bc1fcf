//! The listeners of one server, and their life from the first connection to the last.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use crate::activity::Patience;
use crate::handler::Handler;
use crate::listen_address::ListenAddress;
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::metrics_page::MetricsPage;
use crate::places::Places;
use crate::tls::Tls;
use crate::workers::Workers;

/// How long requests in flight may take to finish once the program shall end.
const GRACE: Duration = Duration::from_secs(10);
/// Scrapers are few.
const METRICS_CONNECTIONS: usize = 16;

/// The bound sockets of a server: the service's, and the metrics' if there is one.
#[derive(Debug)]
pub(crate) struct Front {
    service: Listener,
    metrics: Option<Listener>,
}

/// A socket cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; is another program listening there?")]
pub(crate) struct BindError {
    address: ListenAddress,
    source: io::Error,
}

impl Front {
    /// Binds the sockets; connections queue up there until [`Front::serve`].
    pub(crate) async fn bind(
        service: &ListenAddress,
        metrics: Option<&ListenAddress>,
    ) -> Result<Self, BindError> {
        let service = bind(service).await?;
        let metrics = match metrics {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        Ok(Self { service, metrics })
    }

    /// Where the service listens, its port resolved.
    pub(crate) fn address(&self) -> SocketAddr {
        self.service.address()
    }

    /// Serves, the service over `tls` if there is one, until `stop`, then lets what is in flight finish. When it returns, no call runs any more.
    pub(crate) async fn serve<H: Handler>(
        self,
        handler: Arc<H>,
        tls: Option<Arc<Tls>>,
        metrics: Arc<Metrics>,
        places: Places,
        patience: Patience,
        stop: impl Future<Output = ()>,
    ) {
        let workers = Workers::new();
        if let Some(listener) = self.metrics {
            info!(address = %listener.address(), "serving metrics");
            let page = Arc::new(MetricsPage(Arc::clone(&metrics)));
            // Scrapers are not the clients that are counted.
            let uncounted = Arc::new(Metrics::new());
            let worker = workers.worker();
            workers.worker().spawn(listener.run(
                page,
                None,
                Places::new(METRICS_CONNECTIONS),
                patience,
                uncounted,
                worker,
            ));
        }
        let worker = workers.worker();
        workers.worker().spawn(self.service.run(handler, tls, places, patience, metrics, worker));
        stop.await;
        if !workers.drain(GRACE).await {
            warn!("requests were still in flight after {GRACE:?} and have been cut off");
        }
    }
}

async fn bind(address: &ListenAddress) -> Result<Listener, BindError> {
    Listener::bind(address).await.map_err(|source| BindError { address: address.clone(), source })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{Request, Response, StatusCode};
    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::{Notify, oneshot};
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::request_body::RequestBody;

    const REQUEST: &[u8] = b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

    /// Answers when told to, once per telling.
    #[derive(Default)]
    struct Service {
        asked: Notify,
        go_on: Notify,
    }

    impl Handler for Service {
        async fn handle(
            &self,
            request: Request<&mut RequestBody>,
            peer: SocketAddr,
        ) -> Response<Full<Bytes>> {
            assert_ne!(request.uri().path(), "/panic");
            assert!(peer.ip().is_loopback());
            if request.uri().path() == "/big" {
                return Response::new(Full::from(vec![b'x'; 64 * 1024 * 1024]));
            }
            self.asked.notify_one();
            self.go_on.notified().await;
            Response::new(Full::from("answered"))
        }

        fn refusal(&self, status: StatusCode) -> Response<Full<Bytes>> {
            unreachable!("{status}: every request is well-formed")
        }
    }

    struct Running {
        service: Arc<Service>,
        metrics: Arc<Metrics>,
        address: SocketAddr,
        metrics_address: SocketAddr,
        stop: oneshot::Sender<()>,
        serving: JoinHandle<()>,
    }

    async fn running(max_connections: usize) -> Running {
        let any: ListenAddress = "127.0.0.1:0".parse().unwrap();
        let front = Front::bind(&any, Some(&any)).await.unwrap();
        let (address, metrics_address) = (front.address(), front.metrics.as_ref().unwrap().address());
        let (service, metrics) = (Arc::new(Service::default()), Arc::new(Metrics::new()));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(front.serve(
            Arc::clone(&service),
            None,
            Arc::clone(&metrics),
            Places::new(max_connections),
            Patience::default(),
            async { stopped.await.unwrap() },
        ));
        Running { service, metrics, address, metrics_address, stop, serving }
    }

    async fn client(address: SocketAddr, request: &[u8]) -> TcpStream {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(request).await.unwrap();
        client
    }

    async fn answer(client: &mut TcpStream) -> String {
        let mut buffer = vec![0; 4096];
        let length = client.read(&mut buffer).await.unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_is_in_flight_when_told_to_stop_is_answered_and_nothing_else_is_begun() {
        let running = running(10).await;
        let mut client = client(running.address, REQUEST).await;
        running.service.asked.notified().await;
        running.stop.send(()).unwrap();
        // The listening socket closes while the call is still in flight.
        while TcpStream::connect(running.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!running.serving.is_finished());
        running.service.go_on.notify_one();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("answered"), "{answer}");
        running.serving.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn more_connections_than_allowed_wait_for_their_turn() {
        let running = running(1).await;
        let mut first = client(running.address, REQUEST).await;
        running.service.asked.notified().await;
        let mut second = client(running.address, REQUEST).await;
        let waiting = timeout(Duration::from_secs(5), running.service.asked.notified()).await;
        assert!(waiting.is_err(), "the second connection was not to be served yet");
        running.service.go_on.notify_one();
        assert!(answer(&mut first).await.ends_with("answered"));
        drop(first);
        running.service.asked.notified().await;
        running.service.go_on.notify_one();
        assert!(answer(&mut second).await.ends_with("answered"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_closed_whatever_the_kernel_takes() {
        let running = running(10).await;
        let started = Instant::now();
        let _unread = client(running.address, b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let has_connections = |count: u8| {
            let line = format!("\nqwetty_connections {count}\n");
            running.metrics.render().unwrap().contains(&line)
        };
        while !has_connections(1) {
            tokio::task::yield_now().await;
        }
        while !has_connections(0) {
            sleep(Duration::from_secs(1)).await;
        }
        assert!((30..=32).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn a_panic_leaves_the_others_be_and_frees_its_place() {
        let running = running(1).await;
        let mut broken = client(running.address, b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(answer(&mut broken).await, "");
        let mut client = client(running.address, REQUEST).await;
        running.service.go_on.notify_one();
        assert!(answer(&mut client).await.ends_with("answered"));
    }

    #[tokio::test]
    async fn metrics_have_a_listener_of_their_own() {
        let running = running(10).await;
        let _open = client(running.address, REQUEST).await;
        running.service.asked.notified().await;
        running.metrics.decision("valid");
        let mut scraper = client(running.metrics_address, b"GET /metrics HTTP/1.0\r\n\r\n").await;
        let mut page = String::new();
        scraper.read_to_string(&mut page).await.unwrap();
        assert!(page.contains("\nqwetty_connections 1\n"), "{page}");
        assert!(page.contains("\nqwetty_decisions_total{code=\"valid\"} 1\n"), "{page}");
        let mut other = client(running.metrics_address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer(&mut other).await.starts_with("HTTP/1.1 404 "));
    }

    #[tokio::test]
    async fn a_taken_address_is_named() {
        let any: ListenAddress = "127.0.0.1:0".parse().unwrap();
        let front = Front::bind(&any, None).await.unwrap();
        let taken = ListenAddress::from(front.address());
        let error = Front::bind(&any, Some(&taken)).await.unwrap_err().to_string();
        assert!(error.contains(&taken.to_string()), "{error}");
    }

    #[tokio::test]
    async fn a_name_is_resolved() {
        let name: ListenAddress = "localhost:0".parse().unwrap();
        let front = Front::bind(&name, None).await.unwrap();
        assert!(front.address().ip().is_loopback() && front.address().port() != 0);
    }
}
