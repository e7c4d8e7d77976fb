"""The peer: the same tables and the same JSON with Django and Django REST framework, written as their manuals do."""

import os
import uuid

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.configure(
    DEBUG=False,
    SECRET_KEY="only-for-a-bench",  # noqa: S106 - nothing is signed here
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    TIME_ZONE="UTC",
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # gives answers their Content-Length
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PEER_HOST"],
            "PORT": os.environ["PEER_PORT"],
            "NAME": os.environ["PEER_NAME"],
            "USER": os.environ["PEER_USER"],
            "PASSWORD": os.environ["PEER_PASSWORD"],
            "CONN_MAX_AGE": None,
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.contrib.postgres.fields import ArrayField  # noqa: E402 - Django must be configured first
from django.db import models, transaction  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, pagination, serializers  # noqa: E402

NOBODY = uuid.UUID(int=0)


class Category(models.Model):
    id = models.UUIDField(primary_key=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT)
    slug = models.TextField()

    class Meta:
        app_label, managed, db_table = "catalog", False, "category"


class App(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    package_name = models.TextField(unique=True)
    name = models.TextField(max_length=200)
    summary = models.TextField(blank=True, default="", max_length=500)
    description = models.TextField(blank=True, default="", max_length=20_000)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+")
    subcategory = models.ForeignKey(Category, null=True, on_delete=models.PROTECT, related_name="+")
    points = models.BigIntegerField()
    status = models.TextField(default="draft")
    max_completions = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    max_completions_per_day = models.BigIntegerField(null=True)
    available_from = models.DateTimeField(null=True)
    available_until = models.DateTimeField(null=True)
    more_categories = ArrayField(models.TextField(), default=list)
    locale = models.TextField(default="en")
    created_by = models.UUIDField(default=NOBODY)
    changed_by = models.UUIDField(default=NOBODY)

    class Meta:
        app_label, managed, db_table = "catalog", False, "app"


class AppPrice(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    app = models.ForeignKey(App, on_delete=models.PROTECT)
    points = models.BigIntegerField()
    changed_by = models.UUIDField(default=NOBODY)

    class Meta:
        app_label, managed, db_table = "catalog", False, "app_price"


class AppSerializer(serializers.ModelSerializer):
    store_url = serializers.SerializerMethodField()
    icon_url = serializers.SerializerMethodField()
    category = serializers.SlugRelatedField(slug_field="slug", queryset=Category.objects.all())
    subcategory = serializers.SlugRelatedField(slug_field="slug", queryset=Category.objects.all(), required=False)

    class Meta:
        model = App
        fields = (
            "id", "package_name", "name", "summary", "description", "store_url", "icon_url", "category", "subcategory",
            "points", "status", "max_completions", "created_at", "updated_at", "max_completions_per_day",
            "available_from", "available_until", "more_categories", "locale",
        )  # fmt: skip
        read_only_fields = ("id", "status", "created_at", "updated_at")

    def get_store_url(self, app):
        return f"https://play.google.com/store/apps/details?id={app.package_name}"

    def get_icon_url(self, _app):
        return None


class ByPoints(pagination.CursorPagination):
    page_size, ordering = 50, ("-points", "-id")


class AppList(generics.ListCreateAPIView):
    serializer_class, pagination_class = AppSerializer, ByPoints

    def get_queryset(self):
        apps = App.objects.filter(status="published").select_related("category", "subcategory")
        slug = self.request.query_params.get("category")
        return apps.filter(category__slug=slug) if slug else apps

    @transaction.atomic
    def perform_create(self, serializer):
        app = serializer.save()
        AppPrice.objects.create(app=app, points=app.points)
        app.refresh_from_db()


class AppDetail(generics.RetrieveAPIView):
    serializer_class = AppSerializer
    queryset = App.objects.select_related("category", "subcategory")


urlpatterns = [path("apps", AppList.as_view()), path("apps/<uuid:pk>", AppDetail.as_view())]
application = get_wsgi_application()
