"""The site: the flow that people use."""

from django.urls import path
from viewflow.contrib.auth import AuthViewset
from viewflow.urls import Site
from viewflow.workflow.flow import FlowAppViewset

from .flows import FanFlow, HelloFlow, HumanFlow, NapFlow, StraightFlow, WideFlow

site = Site(
    title="Benchmark",
    viewsets=[
        FlowAppViewset(each) for each in (HelloFlow, HumanFlow, StraightFlow, WideFlow, FanFlow, NapFlow)
    ],
)
urlpatterns = [path("accounts/", AuthViewset().urls), path("", site.urls)]
