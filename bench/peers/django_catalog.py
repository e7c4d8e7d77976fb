"""The peer: the same tables, JSON and rules with Django and Django REST framework, written as their manuals do.

What ours does for each of the requests that are timed, it does too: ETag and 304, caching and security headers, the
window in which an app is offered, the check of an administrator's token, the first price and the line in the audit. A
token that was good once is remembered, as ours are.
"""

import os
import uuid
from functools import lru_cache

import django
import jwt
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
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    SECURE_REFERRER_POLICY="no-referrer",
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
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.contrib.postgres.fields import ArrayField  # noqa: E402 - Django must be configured first
from django.db import models, transaction  # noqa: E402
from django.db.models import Q  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.decorators import method_decorator  # noqa: E402
from django.views.decorators.cache import cache_control  # noqa: E402
from django.views.decorators.vary import vary_on_headers  # noqa: E402
from rest_framework import (  # noqa: E402
    authentication,
    exceptions,
    generics,
    pagination,
    permissions,
    response,
    serializers,
)


class User:
    def __init__(self, claims):
        self.id, self.roles = uuid.UUID(claims["sub"]), claims["roles"]


@lru_cache(10_000)
def user_of(token):
    return User(
        jwt.decode(
            token,
            os.environ["PEER_PUBLIC_KEY"],
            algorithms=["EdDSA"],
            audience=os.environ["PEER_AUDIENCE"],
            issuer=os.environ["PEER_ISSUER"],
        )
    )


class AccessToken(authentication.BaseAuthentication):
    def authenticate(self, request):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        try:
            return user_of(token), token
        except jwt.PyJWTError as error:
            raise exceptions.AuthenticationFailed from error


class AdminOrRead(permissions.BasePermission):
    def has_permission(self, request, _view):
        return request.method in permissions.SAFE_METHODS or (request.user and "admin" in request.user.roles)


class UUIDv7(models.Func):
    function, output_field = "uuidv7", models.UUIDField()


class Category(models.Model):
    id = models.UUIDField(primary_key=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT)
    slug = models.TextField()

    class Meta:
        app_label, managed, db_table = "catalog", False, "category"


class App(models.Model):
    id = models.UUIDField(primary_key=True, db_default=UUIDv7())
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
    icon_sha256 = models.TextField(null=True)
    created_by = models.UUIDField()
    changed_by = models.UUIDField()

    class Meta:
        app_label, managed, db_table = "catalog", False, "app"


class AppPrice(models.Model):
    id = models.UUIDField(primary_key=True, db_default=UUIDv7())
    app = models.ForeignKey(App, on_delete=models.PROTECT)
    points = models.BigIntegerField()
    changed_by = models.UUIDField()

    class Meta:
        app_label, managed, db_table = "catalog", False, "app_price"


class AdminChange(models.Model):
    id = models.UUIDField(primary_key=True, db_default=UUIDv7())
    subject_id = models.UUIDField()
    action = models.TextField()
    fields = models.JSONField()
    changed_by = models.UUIDField()

    class Meta:
        app_label, managed, db_table = "catalog", False, "admin_change"


class AppSerializer(serializers.ModelSerializer):
    store_url = serializers.SerializerMethodField()
    icon_url = serializers.SerializerMethodField()
    category = serializers.SlugRelatedField(slug_field="slug", queryset=Category.objects.filter(parent=None))
    subcategory = serializers.SlugRelatedField(
        slug_field="slug", queryset=Category.objects.exclude(parent=None), required=False
    )

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

    def get_icon_url(self, app):
        return app.icon_sha256 and f"/api/v1/apps/{app.id}/icon/{app.icon_sha256}.webp"


class ByPoints(pagination.CursorPagination):
    page_size, ordering = 50, ("-points", "-id")

    def get_paginated_response(self, data):
        return response.Response({"items": data, "next_cursor": self.get_next_link()})


cached = method_decorator(cache_control(public=True, max_age=60, stale_while_revalidate=300), name="get")
varied = method_decorator(vary_on_headers("Authorization", "Accept-Language"), name="get")


@cached
@varied
class AppList(generics.ListCreateAPIView):
    authentication_classes, permission_classes = [AccessToken], [AdminOrRead]
    serializer_class, pagination_class = AppSerializer, ByPoints

    def get_queryset(self):
        begun = Q(available_from=None) | Q(available_from__lte=Now())
        not_over = Q(available_until=None) | Q(available_until__gt=Now())
        apps = App.objects.filter(begun, not_over, status="published").select_related("category", "subcategory")
        slug = self.request.query_params.get("category")
        return apps.filter(category__slug=slug) if slug else apps

    @transaction.atomic
    def perform_create(self, serializer):
        admin = self.request.user.id
        app = serializer.save(created_by=admin, changed_by=admin)
        AppPrice.objects.create(app=app, points=app.points, changed_by=admin)
        app.refresh_from_db(from_queryset=App.objects.select_related("category", "subcategory"))
        noted = {name: [None, value] for name, value in serializer.data.items() if value is not None}
        AdminChange.objects.create(subject_id=app.id, action="create", fields=noted, changed_by=admin)


@cached
@varied
class AppDetail(generics.RetrieveAPIView):
    authentication_classes, permission_classes = [AccessToken], [AdminOrRead]
    serializer_class = AppSerializer
    queryset = App.objects.select_related("category", "subcategory").exclude(status="draft")


urlpatterns = [path("api/v1/apps", AppList.as_view()), path("api/v1/apps/<uuid:pk>", AppDetail.as_view())]
application = get_wsgi_application()
