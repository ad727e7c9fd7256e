from django.db import models


class Order(models.Model):
    source = models.CharField(max_length=20)
