"""What a process of the benchmark holds."""

from viewflow import jsonstore
from viewflow.workflow.models import Process


class HelloProcess(Process):
    text = jsonstore.CharField(max_length=50)
    approved = jsonstore.BooleanField(default=False)

    class Meta:
        proxy = True
