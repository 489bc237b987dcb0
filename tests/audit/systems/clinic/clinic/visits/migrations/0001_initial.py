from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("patient", models.CharField(max_length=80)),
                ("at", models.DateTimeField()),
            ],
        ),
    ]
