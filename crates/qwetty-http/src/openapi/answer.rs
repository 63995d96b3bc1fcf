use serde_json::{Map, Value, json};

/// What a call answers if nothing is wrong.
pub(super) struct Answer {
    pub(super) status: u16,
    description: &'static str,
    content: Option<Value>,
    made: bool,
}

impl Answer {
    /// One object, described by a component.
    pub(super) fn one(description: &'static str, component: &str, example: Value) -> Self {
        let data = json!({"$ref": format!("#/components/schemas/{component}")});
        Self::json(200, description, envelope(data), json!({"data": example}))
    }

    /// An object that was made.
    pub(super) fn created(description: &'static str, component: &str, example: Value) -> Self {
        Self { status: 201, made: true, ..Self::one(description, component, example) }
    }

    /// Everything there is, described by a component each.
    pub(super) fn all(description: &'static str, component: &str, example: Value) -> Self {
        Self::json(200, description, envelope(items(component)), json!({"data": [example]}))
    }

    /// A page of a list, of items described by a component.
    pub(super) fn page(description: &'static str, component: &str, example: Value) -> Self {
        let schema = json!({
            "type": "object",
            "required": ["data", "meta"],
            "properties": {
                "data": items(component),
                "meta": {"$ref": "#/components/schemas/PageMeta"},
            },
        });
        let meta = json!({"page": 1, "limit": 10, "total": 1, "totalPages": 1});
        Self::json(200, description, schema, json!({"data": [example], "meta": meta}))
    }

    /// Nothing at all.
    pub(super) fn nothing(description: &'static str) -> Self {
        Self { status: 204, description, content: None, made: false }
    }

    /// Nothing but the headers.
    pub(super) fn headers(description: &'static str) -> Self {
        Self { status: 200, ..Self::nothing(description) }
    }

    /// Something that is no JSON.
    pub(super) fn text(description: &'static str, media_type: &str) -> Self {
        let content = json!({media_type: {"schema": {"type": "string"}}});
        Self { status: 200, description, content: Some(content), made: false }
    }

    /// An array without an envelope.
    pub(super) fn array(description: &'static str, item: Value, example: Value) -> Self {
        Self::json(200, description, json!({"type": "array", "items": item}), json!([example]))
    }

    /// JSON without an envelope.
    pub(super) fn bare(description: &'static str) -> Self {
        let content = json!({"application/json": {"schema": {"type": "object"}}});
        Self { status: 200, description, content: Some(content), made: false }
    }

    fn json(status: u16, description: &'static str, schema: Value, example: Value) -> Self {
        let content = json!({"application/json": {"schema": schema, "example": example}});
        Self { status, description, content: Some(content), made: false }
    }

    /// The response object, with these headers.
    pub(super) fn response(self, mut headers: Map<String, Value>) -> Value {
        if self.made {
            headers.insert("Location".to_owned(), super::header::reference("Location"));
        }
        match self.content {
            Some(content) => json!({"description": self.description, "headers": headers, "content": content}),
            None => json!({"description": self.description, "headers": headers}),
        }
    }
}

fn envelope(data: Value) -> Value {
    json!({"type": "object", "required": ["data"], "properties": {"data": data}})
}

fn items(component: &str) -> Value {
    json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{component}")}})
}
