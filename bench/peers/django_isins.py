"""The peer: ISINs looked up in the same tables, and checked, with Django REST framework, as its manual does it.

It does what ours does: a token is checked (and remembered), the answer has an ETag and may be 304, and is the same.
"""

import os
import re
import uuid
from functools import lru_cache
from itertools import groupby

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
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.db import models  # noqa: E402 - Django must be configured first
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.decorators import method_decorator  # noqa: E402
from django.views.decorators.cache import cache_control  # noqa: E402
from rest_framework import authentication, exceptions, permissions, response, serializers, views  # noqa: E402


class User:
    is_authenticated = True

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


class Publication(models.Model):
    feed = models.TextField(primary_key=True)
    business_date = models.DateField()

    class Meta:
        app_label, managed, db_table = "isins", False, "publication"


class Listing(models.Model):
    pk = models.CompositePrimaryKey("feed", "isin", "venue")
    feed = models.ForeignKey(Publication, on_delete=models.PROTECT, db_column="feed")
    isin = models.TextField()
    venue = models.TextField()
    name = models.TextField(null=True)
    type = models.TextField(null=True)
    currency = models.TextField(null=True)
    lei = models.TextField(null=True)
    details = models.JSONField()
    first_seen = models.DateField()
    last_seen = models.DateField(null=True)

    class Meta:
        app_label, managed, db_table = "isins", False, "listing"


class SightingSerializer(serializers.Serializer):
    feed = serializers.CharField()
    status = serializers.CharField()
    first_seen = serializers.DateField()
    last_seen = serializers.DateField()
    venues = serializers.ListField(child=serializers.CharField())
    details = serializers.DictField(child=serializers.CharField())


class InstrumentSerializer(serializers.Serializer):
    isin = serializers.CharField()
    valid = serializers.BooleanField()
    country = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    type = serializers.CharField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    lei = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    feeds = SightingSerializer(many=True)


ORDER = ("nse-equity", "gleif-isin-lei")


def on_feed(feed, listings):
    standing = [one for one in listings if one.last_seen is None]
    counted = standing or listings
    return {
        "feed": feed,
        "status": "listed" if standing else "removed",
        "first_seen": min(one.first_seen for one in listings),
        "last_seen": max(one.last_seen or one.feed.business_date for one in counted),
        "venues": [one.venue for one in counted if one.venue],
        "details": counted[0].details,
    }


def first(listings, name):
    return next((getattr(one, name) for one in listings if getattr(one, name) is not None), None)


@method_decorator(cache_control(private=True, no_store=True), name="dispatch")
class IsinView(views.APIView):
    authentication_classes = (AccessToken,)
    permission_classes = (permissions.IsAuthenticated,)

    def get(self, _request, isin):
        listings = list(Listing.objects.select_related("feed").filter(isin=isin))
        if not listings:
            raise exceptions.NotFound
        listings.sort(key=lambda one: ORDER.index(one.feed_id) if one.feed_id in ORDER else len(ORDER))
        by_weight = sorted(listings, key=lambda one: one.last_seen is not None)
        fields = {name: first(by_weight, name) for name in ("name", "type", "currency", "lei")}
        instrument = {
            "isin": isin,
            "valid": True,
            "country": isin[:2],
            "status": "active" if by_weight[0].last_seen is None else "removed",
            "feeds": [on_feed(feed, list(same)) for feed, same in groupby(listings, key=lambda one: one.feed_id)],
            **fields,
        }
        return response.Response(InstrumentSerializer(instrument).data)


class AskedSerializer(serializers.Serializer):
    isins = serializers.ListField(child=serializers.CharField(allow_blank=True), max_length=10_000)


class VerdictSerializer(serializers.Serializer):
    isin = serializers.CharField()
    valid = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True)
    expected_check_digit = serializers.IntegerField(allow_null=True)


BODY, SHAPE = re.compile(r"[A-Z]{2}[A-Z0-9]{9}"), re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


def check_digit(body):
    digits = "".join(str(int(character, 36)) for character in body)
    doubled = "".join(str(int(digit) * (2 - place % 2)) for place, digit in enumerate(reversed(digits)))
    return -sum(map(int, doubled)) % 10


def verdict(isin):
    expected = check_digit(isin[:11]) if BODY.fullmatch(isin[:11]) else None
    if len(isin) != 12:
        reason = "length"
    elif not SHAPE.fullmatch(isin):
        reason = "characters"
    else:
        reason = None if int(isin[11]) == expected else "check-digit"
    return {"isin": isin, "valid": reason is None, "reason": reason, "expected_check_digit": expected}


class ValidateView(views.APIView):
    authentication_classes = (AccessToken,)
    permission_classes = (permissions.IsAuthenticated,)

    def post(self, request):
        asked = AskedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        verdicts = [verdict(isin) for isin in asked.validated_data["isins"]]
        return response.Response({"items": VerdictSerializer(verdicts, many=True).data})


urlpatterns = [
    path("healthz", lambda _request: HttpResponse()),
    path("api/v1/isins/validate", ValidateView.as_view()),
    path("api/v1/isins/<str:isin>", IsinView.as_view()),
]
application = get_wsgi_application()
