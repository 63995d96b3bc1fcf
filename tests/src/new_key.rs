use serde_json::Value;

use crate::answer::Answer;

/// A key that was just made, or made anew, with its value.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its id.
    pub id: String,
    /// Its value.
    pub value: String,
    /// The whole object, as it was answered.
    pub object: Value,
}

impl NewKey {
    /// The path of the key, with what follows it: `""`, `"/revoke"`.
    pub fn path(&self, call: &str) -> String {
        format!("/api/v1/api-keys/{}{call}", self.id)
    }
}

impl From<Answer> for NewKey {
    fn from(answer: Answer) -> Self {
        let object = answer.data();
        let text = |member: &str| object[member].as_str().unwrap().to_owned();
        Self { id: text("id"), value: text("key"), object }
    }
}
