"""What was not measured and no price list tells: estimates, each explained in docs/costs.md."""

from __future__ import annotations

# Lambda's processor, in times of the benchmark's machine.
SLOWER = 1.0
# What a function needs for a whole processor; with less it has a share (AWS documents both).
MB_OF_A_PROCESSOR = 1769
MS_OF_A_CALL = 5
MS_OF_THE_RUNTIME = 2
# Shares of all requests.
COLD = 0.01
TRACED = 0.05
LOG_BYTES_OF_AN_INVOCATION = 1_000
LOG_BYTES_OF_A_REQUEST = 900
LOGS_COMPRESSED_TO = 0.2
INDEX_WRITES_OF_AN_ACCESS = 2
EVENTS_OF_A_QUEUE_REQUEST = 10
QUEUE_REQUESTS_OF_A_STATEMENT = 4
# Lambda's pollers of a queue: five of them ask every 20 seconds, whether or not there is a message.
POLLS_OF_A_QUEUE_A_SECOND = 5 / 20
CANARY_SECONDS = 4
CANARY_READS = 8
CANARY_WRITE_UNITS = 20
HEALTH_SECONDS = 0.2
HEALTH_READ_UNITS = 5
CHECK_RESERVE_S = 60  # as tally.operations.timed has it
SECONDS_OF_A_MONTH = 730 * 3600

EXPLAINED = f"""\
| assumed | why |
|---|---|
| Lambda's processor takes {SLOWER:.1f} times as long as the benchmark's machine. | AWS does not say how fast it is. Compare `Duration` in the functions' logs. |
| A cold start has a whole processor, and {COLD:.0%} of all requests need one. | AWS says that cold starts are under 1% of all invocations; a quiet stack has more. |
| A call to DynamoDB takes {MS_OF_A_CALL} ms, and Lambda's runtime adds {MS_OF_THE_RUNTIME} ms to an invocation. | The embedded AWS cannot tell. A read takes less, a large transaction more. |
| An invocation logs {LOG_BYTES_OF_AN_INVOCATION:,} bytes, and a request {LOG_BYTES_OF_A_REQUEST:,} more. | Our line, Lambda's START and REPORT; the access log, if `AccessLog` is on. |
| Logs are compressed to {LOGS_COMPRESSED_TO:.0%} when they are kept. | AWS bills what is kept after compression. |
| {TRACED:.0%} of all requests are traced. | X-Ray's default, beside the first of each second; none unless `Tracing` is `Active`. |
| An access writes {INDEX_WRITES_OF_AN_ACCESS} units to the index of accesses. | The embedded AWS leaves the index out. It is less if many accesses of a batch are to one dataset. |
| {EVENTS_OF_A_QUEUE_REQUEST} events of the bus are received, and deleted, with one request of the queue. | The most that SQS allows. |
| A statement takes {QUEUE_REQUESTS_OF_A_STATEMENT} requests of the queue. | One message sent, received and deleted, and a retry now and then. |
| The canary takes {CANARY_SECONDS} s, 2 events, {CANARY_READS} dashboards and, for its keys, {CANARY_WRITE_UNITS} write units. | It asks twice a second until the dashboard shows its event. |
| Measuring health takes {HEALTH_SECONDS} s and {HEALTH_READ_UNITS} read units. | It reads a few items and lists a bucket. |
| Lambda polls each queue {POLLS_OF_A_QUEUE_A_SECOND:g} times a second. | Five pollers, each waiting for up to 20 seconds. |
"""  # noqa: E501  a row of a table is one line
