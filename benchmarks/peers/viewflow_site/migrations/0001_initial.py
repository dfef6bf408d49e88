"""The process of the benchmark, in the table of all processes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("viewflow", "__first__")]
    operations = [
        migrations.CreateModel(
            name="HelloProcess", fields=[], options={"proxy": True}, bases=("viewflow.process",)
        )
    ]
