//! What pages are made of: the frame around them and the parts in them.

pub(crate) mod banner;
pub(crate) mod button;
pub(crate) mod chart;
pub(crate) mod empty;
pub(crate) mod event;
pub(crate) mod field;
pub(crate) mod icon;
pub(crate) mod layout;
pub(crate) mod pagination;
pub(crate) mod status;
pub(crate) mod time;

pub(crate) use layout::{Frame, Visitor};
