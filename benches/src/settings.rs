use std::time::Duration;

use criterion::Criterion;

/// How every bench is measured, unless the command line says otherwise: a few seconds a line.
///
/// Many short samples rather than few long ones: where others use the machine too, most samples of a millisecond are not
/// interrupted, so that their median is that of the work and not of the neighbours'.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(1_000)
        .nresamples(2_000)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args()
}
