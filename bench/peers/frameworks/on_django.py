"""The five endpoints in Django with Django REST framework, as their manuals write it. Served by gunicorn."""

import hashlib
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import django
import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from django.conf import settings
from django.core.wsgi import get_wsgi_application

SECRET, FOLDER, DATABASE = os.environ["PEER_SECRET"], Path(os.environ["PEER_FOLDER"]), urlsplit(os.environ["PEER_URL"])
settings.configure(
    SECRET_KEY=SECRET,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    TIME_ZONE="UTC",
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    APPEND_SLASH=False,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": DATABASE.hostname,
            "PORT": DATABASE.port,
            "NAME": DATABASE.path.strip("/"),
            "USER": DATABASE.username,
            "PASSWORD": DATABASE.password,
            "CONN_MAX_AGE": None,
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.db import models, transaction  # noqa: E402 - Django must be configured first
from django.db.models.functions import Now  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import authentication, exceptions, generics, pagination, permissions, serializers  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class UUIDv7(models.Func):
    """The database makes the ids."""

    function, output_field = "uuidv7", models.UUIDField()


class App(models.Model):
    """An app that people try."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7())
    package_name = models.TextField(max_length=500)
    name = models.TextField(max_length=500)
    summary = models.TextField(max_length=500)
    points = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label, managed, db_table = "peer", False, "app"


class AppChange(models.Model):
    """Who made what."""

    id = models.BigAutoField(primary_key=True)
    app = models.ForeignKey(App, on_delete=models.PROTECT)
    changed_by = models.TextField()

    class Meta:
        app_label, managed, db_table = "peer", False, "app_change"


class Account(models.Model):
    """Somebody who signs in."""

    email = models.TextField(primary_key=True)
    password_hash = models.TextField()
    is_authenticated = True

    class Meta:
        app_label, managed, db_table = "peer", False, "account"


class Upload(models.Model):
    """A file that came."""

    id = models.BigAutoField(primary_key=True)
    sha256 = models.TextField()
    size = models.BigIntegerField()
    uploaded_by = models.TextField()

    class Meta:
        app_label, managed, db_table = "peer", False, "upload"


class AppSerializer(serializers.ModelSerializer):
    """What the API takes and shows."""

    class Meta:
        model = App
        fields = ("id", "package_name", "name", "summary", "points", "created_at")
        read_only_fields = ("id", "created_at")


class LoginSerializer(serializers.Serializer):
    """What a login takes."""

    email = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False)


class UploadSerializer(serializers.Serializer):
    """What an upload takes."""

    file = serializers.FileField()


class Token(authentication.BaseAuthentication):
    """A signed token says who it is."""

    def authenticate(self, request):
        """The account, or nobody."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        try:
            return Account(email=jwt.decode(token, SECRET, algorithms=["HS256"])["sub"]), token
        except jwt.PyJWTError as error:
            raise exceptions.AuthenticationFailed from error

    def authenticate_header(self, _request):
        """So that nobody is 401."""
        return "Bearer"


class ById(pagination.BasePagination):
    """Fifty at a time, after a certain one."""

    def paginate_queryset(self, queryset, request, view=None):  # noqa: ARG002 - as REST framework calls it
        """One more than is shown tells whether there are more."""
        after = request.query_params.get("after")
        if after:
            queryset = queryset.filter(id__gt=serializers.UUIDField().run_validation(after))
        self.found = list(queryset[:51])
        return self.found[:50]

    def get_paginated_response(self, data):
        """The page."""
        return Response({"items": data, "next": data[49]["id"] if len(self.found) > 50 else None})


class Apps(generics.ListCreateAPIView):
    """Apps, and a new one."""

    queryset, serializer_class, pagination_class = App.objects.order_by("id"), AppSerializer, ById
    authentication_classes, permission_classes = [Token], [permissions.IsAuthenticatedOrReadOnly]

    @transaction.atomic
    def perform_create(self, serializer):
        """The app and who made it, in one transaction."""
        app = serializer.save()
        AppChange.objects.create(app=app, changed_by=self.request.user.email)
        app.refresh_from_db()


class OneApp(generics.RetrieveAPIView):
    """One app."""

    queryset, serializer_class = App.objects.all(), AppSerializer


class Login(APIView):
    """A token for a password."""

    authentication_classes = (Token,)  # without one REST framework answers 403 instead of 401

    def post(self, request):
        """Sign in."""
        body = LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        account = Account.objects.filter(email=body.validated_data["email"]).first()
        try:
            if account is None:
                raise exceptions.AuthenticationFailed
            hasher.verify(account.password_hash, body.validated_data["password"])
        except VerifyMismatchError as error:
            raise exceptions.AuthenticationFailed from error
        return Response({"token": jwt.encode({"sub": account.email, "exp": int(time.time()) + 600}, SECRET, "HS256")})


class Uploads(APIView):
    """Files."""

    authentication_classes, permission_classes = [Token], [permissions.IsAuthenticated]

    def post(self, request):
        """A file into the folder, named by its hash, and a row."""
        body = UploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        content = body.validated_data["file"].read()
        digest = hashlib.sha256(content).hexdigest()
        (FOLDER / digest).write_bytes(content)
        Upload.objects.create(sha256=digest, size=len(content), uploaded_by=request.user.email)
        return Response({"sha256": digest, "size": len(content)}, status=201)


urlpatterns = [
    path("apps", Apps.as_view()),
    path("apps/<uuid:pk>", OneApp.as_view()),
    path("login", Login.as_view()),
    path("uploads", Uploads.as_view()),
]
app = get_wsgi_application()
