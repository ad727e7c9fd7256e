from django import http, urls
from django.views.decorators import csrf

from shop import models, tasks


@csrf.csrf_exempt
def orders(request):
    if request.method == "POST":
        tasks.create_order.delay("page")
    return http.JsonResponse(
        {source: models.Order.objects.filter(source=source).count() for source in ("page", "clock")}
    )


urlpatterns = [urls.path("orders", orders)]
