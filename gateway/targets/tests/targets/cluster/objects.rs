//! Objects as API servers answer them.

use crate::api_server::ApiServer;
use serde_json::{Value, json};

pub(super) fn http_route() -> ApiServer {
    let object = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "annotations": {"team": "shop"},
            "generation": 3,
            "managedFields": [{
                "manager": "weighbridge", "operation": "Apply", "apiVersion": "gateway.networking.k8s.io/v1",
                "time": "2026-11-20T10:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:rules": {}}},
            }],
            "name": "chat", "namespace": "shop", "resourceVersion": "41", "uid": "3e1c",
        },
        "spec": {
            "hostnames": ["chat.example"],
            "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}],
            "rules": [
                {
                    "backendRefs": [
                        {"group": "", "kind": "Service", "name": "openai", "port": 80, "weight": 95},
                        {"group": "", "kind": "Service", "name": "deepseek", "port": 80, "weight": 5},
                    ],
                    "filters": [{
                        "type": "RequestMirror",
                        "requestMirror": {"backendRef": {"group": "", "kind": "Service", "name": "deepseek", "port": 80}, "percent": 10},
                    }],
                    "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
                },
                {"backendRefs": [{"name": "static", "port": 80, "weight": 1}]},
            ],
        },
        "status": {"parents": [parent(&[("Accepted", "True", 3), ("ResolvedRefs", "True", 3)])]},
    });
    let mut server = ApiServer::new(object, "/spec/rules", "/spec/rules/0/backendRefs/1/weight");
    server.statuses.push_back(json!({"parents": [parent(&[("Accepted", "True", 4), ("ResolvedRefs", "True", 4)])]}));
    server
}

/// What a gateway says of a route.
pub(super) fn parent(conditions: &[(&str, &str, i64)]) -> Value {
    let condition = |(kind, status, generation): &(&str, &str, i64)| {
        json!({
            "type": kind, "status": status, "observedGeneration": generation, "reason": "BackendNotFound",
            "message": "no service\ncalled deepseek", "lastTransitionTime": "2026-11-20T10:00:00Z",
        })
    };
    json!({
        "parentRef": {"name": "edge"}, "controllerName": "example.net/gateway",
        "conditions": conditions.iter().map(condition).collect::<Vec<_>>(),
    })
}

pub(super) fn virtual_service() -> ApiServer {
    let object = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"generation": 1, "name": "chat", "namespace": "shop", "resourceVersion": "9"},
        "spec": {
            "hosts": ["chat"],
            "http": [{
                "mirror": {"host": "llm", "subset": "deepseek"},
                "mirrorPercentage": {"value": 10.0},
                "route": [
                    {"destination": {"host": "llm", "subset": "openai"}, "weight": 100},
                    {"destination": {"host": "llm", "subset": "deepseek"}},
                ],
            }],
        },
    });
    ApiServer::new(object, "/spec/http", "/spec/http/0/route/1/weight")
}

pub(super) fn ingress() -> ApiServer {
    let object = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "annotations": {
                "nginx.ingress.kubernetes.io/canary": "true",
                "nginx.ingress.kubernetes.io/canary-weight": "5",
                "nginx.ingress.kubernetes.io/canary-weight-total": "1000",
                "team": "shop",
            },
            "generation": 1,
            "managedFields": [{
                "manager": "weighbridge", "operation": "Apply", "apiVersion": "networking.k8s.io/v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:annotations": {
                    "f:nginx.ingress.kubernetes.io/canary-weight": {},
                    "f:nginx.ingress.kubernetes.io/canary-weight-total": {},
                }}},
            }],
            "name": "chat-canary", "namespace": "shop", "resourceVersion": "77",
        },
        "spec": {"ingressClassName": "nginx", "rules": [{"host": "chat.example", "http": {"paths": [{
            "path": "/", "pathType": "Prefix", "backend": {"service": {"name": "deepseek", "port": {"number": 80}}},
        }]}}]},
    });
    ApiServer::new(object, "", "/metadata/annotations/nginx.ingress.kubernetes.io~1canary-weight")
}
