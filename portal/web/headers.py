"""Security headers of our pages."""

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


#: what all answers say, and those over HTTPS beside it; each with its name in small letters
_ALL, _SECURE = (
    tuple((name.lower(), name, value) for name, value in each.header_items()) for each in (_HEADERS, _HSTS)
)


def attach(scope: Scaffold) -> None:
    scope.after_request(_set)


def _set(response: Response) -> Response:
    headers = response.headers
    there = {name.lower() for name, _ in headers}
    for key, name, value in (*_ALL, *_SECURE) if request.is_secure else _ALL:
        if key not in there:
            headers.add(name, value)
    if "cache-control" not in there:
        # What one person saw must not come back by the next one's Back button.
        headers.add("Cache-Control", "no-store")
    return response
