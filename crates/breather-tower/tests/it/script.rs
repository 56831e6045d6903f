//! Calls through a service that responds from a script.

use breather_tower::breather::{Report, ReportSlot};
use http::{Method, Request, Response};
use tower::{BoxError, Service, ServiceExt as _};

pub(crate) const URI: &str = "http://user:password@api.example.com/v1/rows?token=secret";

pub(crate) const SCOPE: &str = "http://api.example.com";

pub(crate) fn request(method: Method) -> Request<String> {
    Request::builder()
        .method(method)
        .uri(URI)
        .body("a row".to_owned())
        .unwrap()
}

/// Makes one call through a clone of `service`, and returns its response and its report.
pub(crate) async fn call<S>(
    service: &S,
    mut request: Request<String>,
) -> (Result<Response<String>, BoxError>, Report)
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError> + Clone,
{
    let slot = ReportSlot::new();
    request.extensions_mut().insert(slot.clone());
    let result = service.clone().oneshot(request).await;
    (result, slot.report().unwrap())
}

pub(crate) async fn get<S>(service: &S) -> (u16, Report)
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError> + Clone,
{
    let (result, report) = call(service, request(Method::GET)).await;
    (result.unwrap().status().as_u16(), report)
}
