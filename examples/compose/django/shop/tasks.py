import celery

from shop import models


@celery.shared_task
def create_order(source):
    models.Order.objects.create(source=source)
