"""AWS's list prices: the one place to change them. Without free tiers and volume discounts."""

from __future__ import annotations

from typing import NamedTuple

REGION = "us-east-1"
AS_OF = "24 November 2026"
MILLION = 1_000_000


class Price(NamedTuple):
    """Dollars for `per` of a unit, as AWS's page `source` says."""

    what: str
    dollars: float
    per: int
    unit: str
    source: str

    @property
    def each(self) -> float:
        """Dollars for one of the unit."""
        return self.dollars / self.per


_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_API_GATEWAY = "https://aws.amazon.com/api-gateway/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_SQS = "https://aws.amazon.com/sqs/pricing/"
_EVENTBRIDGE = "https://aws.amazon.com/eventbridge/pricing/"
_SECRETS = "https://aws.amazon.com/secrets-manager/pricing/"
_WAF = "https://aws.amazon.com/waf/pricing/"
_XRAY = "https://aws.amazon.com/xray/pricing/"

READ_UNITS = Price("DynamoDB, reading", 0.125, MILLION, "read units", _DYNAMODB)
WRITE_UNITS = Price("DynamoDB, writing", 0.625, MILLION, "write units", _DYNAMODB)
STORED = Price("DynamoDB, storage", 0.25, 1, "GB a month", _DYNAMODB)
BACKUP = Price("DynamoDB, point-in-time recovery", 0.20, 1, "GB a month", _DYNAMODB)
INVOCATIONS = Price("Lambda, invocations", 0.20, MILLION, "invocations", _LAMBDA)
GB_SECONDS = Price("Lambda on arm64, duration", 13.3334, MILLION, "GB-seconds", _LAMBDA)
API_REQUESTS = Price("API Gateway, REST API", 3.50, MILLION, "requests", _API_GATEWAY)
LOGS = Price("CloudWatch, logs taken in", 0.50, 1, "GB", _CLOUDWATCH)
LOGS_STORED = Price("CloudWatch, logs kept", 0.03, 1, "GB a month", _CLOUDWATCH)
ALARMS = Price("CloudWatch, alarms", 0.10, 1, "metric a month", _CLOUDWATCH)
METRICS = Price("CloudWatch, custom metrics", 0.30, 1, "metric a month", _CLOUDWATCH)
DASHBOARDS = Price("CloudWatch, dashboards", 3.00, 1, "dashboard a month", _CLOUDWATCH)
TRACES = Price("X-Ray, traces recorded", 5.00, MILLION, "traces", _XRAY)
QUEUE_REQUESTS = Price("SQS, standard queues", 0.40, MILLION, "requests", _SQS)
BUS_EVENTS = Price("EventBridge, custom events", 1.00, MILLION, "events", _EVENTBRIDGE)
SECRETS = Price("Secrets Manager", 0.40, 1, "secret a month", _SECRETS)
WEB_ACLS = Price("WAF, web ACL", 5.00, 1, "web ACL a month", _WAF)
WEB_RULES = Price("WAF, rules", 1.00, 1, "rule a month", _WAF)
WEB_REQUESTS = Price("WAF, requests", 0.60, MILLION, "requests", _WAF)

PRICES = tuple(each for each in list(globals().values()) if isinstance(each, Price))
