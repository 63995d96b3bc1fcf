use std::sync::Arc;

use tower_layer::Layer;

use crate::door::Door;
use crate::guard::Guard;
use crate::service::GuardService;

/// Puts a [`GuardService`] around a service. Made by a [`Guard`].
pub struct GuardLayer<P> {
    door: Arc<Door<P>>,
}

impl<P> GuardLayer<P> {
    pub(crate) fn new(guard: Guard, policy: P) -> Self {
        Self { door: Arc::new(Door::new(guard, policy)) }
    }
}

/// Whatever the policy is, it is shared and not cloned.
impl<P> Clone for GuardLayer<P> {
    fn clone(&self) -> Self {
        Self { door: Arc::clone(&self.door) }
    }
}

impl<S, P> Layer<S> for GuardLayer<P> {
    type Service = GuardService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService::new(inner, Arc::clone(&self.door))
    }
}
