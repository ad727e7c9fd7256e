from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [  # noqa: RUF012
        migrations.CreateModel(
            "Order",
            [("id", models.BigAutoField(primary_key=True)), ("source", models.CharField(max_length=20))],
        )
    ]
