use std::time::Duration;

use criterion::Criterion;

/// How every bench is measured, unless the command line says otherwise: a few seconds a line.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args()
}
