"""The headers that tell a browser what not to do with our pages."""

from __future__ import annotations

import secure
from flask import Response, request
from flask.sansio.scaffold import Scaffold

_POLICY = (
    secure.ContentSecurityPolicy()
    .default_src("'none'")
    .script_src("'self'")
    .style_src("'self'")
    # Bootstrap draws the ticks of its check boxes from data: pictures
    .img_src("'self'", "data:")
    .font_src("'self'")
    .connect_src("'self'")
    .manifest_src("'self'")
    .form_action("'self'")
    .base_uri("'none'")
    .object_src("'none'")
    .frame_ancestors("'none'")
)

_HEADERS = secure.Secure(
    csp=_POLICY,
    xfo=secure.XFrameOptions().deny(),
    xcto=secure.XContentTypeOptions().nosniff(),
    # The forms of a strict HTTPS site need the origin; nobody outside learns of a page.
    referrer=secure.ReferrerPolicy().same_origin(),
    coop=secure.CrossOriginOpenerPolicy().same_origin(),
    corp=secure.CrossOriginResourcePolicy().same_origin(),
    permissions=secure.PermissionsPolicy().camera().geolocation().microphone().payment().usb(),
)
_HSTS = secure.Secure(hsts=secure.StrictTransportSecurity().max_age(31_536_000))


def attach(scope: Scaffold) -> None:
    scope.after_request(_set)


def _set(response: Response) -> Response:
    for name, value in _HEADERS.header_items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        for name, value in _HSTS.header_items():
            response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        # What one person saw must not come back by the next one's Back button.
        response.headers["Cache-Control"] = "no-store"
    return response
