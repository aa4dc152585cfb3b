"""A signed JobSubmitted as bytes, with Python's standard library alone.

    python3 submission.py

prints what it makes of the published test vectors, one line each: key, partition (of 64), value as hex, name. To send
the bytes, give key and value to any Kafka client. With confluent-kafka (librdkafka) set "partitioner": "murmur2_random": its default chooses
other partitions, and the gate refuses the record as misrouted.
"""

import hashlib
import hmac
import json
import os
import struct
import sys


def job_id(tenant, idempotency_key):
    """The job id, which is the record key: 32 hex digits."""
    text = f"{len(tenant.encode())}:{tenant}:{idempotency_key}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def unsigned_body(s, signer):
    """The Avro body up to the signature, which is the last field: exactly what is signed, behind the fingerprint."""
    return b"".join([
        _text("JobSubmitted"), _text(""), _text(""), _long(-1), _long(-1),  # type, step, agent, epoch, cause
        _text(s["tenant"]), _text(job_id(s["tenant"], s["idempotencyKey"])), _long(-1), _long(0), _text(""),  # tenant, job, instance, attempt, agentVersion
        _text(s.get("correlation", "")), _text(""), _text(s.get("onBehalfOf", "")),  # correlation, causation, onBehalfOf
        _text(""), _text(""), _text(""), _text(""),  # workflowVersion, policyVersion, promptHash, modelId
        _text(signer), _long(s["atMs"]), _text(s.get("trace", "")),  # signer, atMs, trace
        _text(s["idempotencyKey"]), _text(s["workflow"]), _text(s["params"]),
        _long(s.get("deadlineMs", 0)), _long(s.get("costCapMicros", 0)), _text(s.get("goal", "")),
    ])


def signed_record(s, signer, secret, schema_id, fingerprint):
    """The whole record: key and value."""
    body = unsigned_body(s, signer)
    signature = hmac.new(secret, fingerprint + body, hashlib.sha256).digest()
    value = b"\0" + struct.pack(">i", schema_id) + body + _long(len(signature)) + signature
    return job_id(s["tenant"], s["idempotencyKey"]), value


def partition_of(key, partitions):
    """The partition that Java's murmur2 partitioner gives a key."""
    return (_murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def fingerprint_of(schema):
    """SHA-256 of the parsing canonical form, for a schema of records, strings, bytes and numbers."""
    return hashlib.sha256(_canonical(schema).encode()).digest()


def _canonical(type_):
    if isinstance(type_, str):
        return json.dumps(type_)
    if type_["type"] != "record":
        return _canonical(type_["type"])
    fields = ",".join('{"name":%s,"type":%s}' % (json.dumps(f["name"]), _canonical(f["type"])) for f in type_["fields"])
    return '{"name":%s,"type":"record","fields":[%s]}' % (json.dumps(f'{type_["namespace"]}.{type_["name"]}'), fields)


def _text(value):
    data = value.encode()
    return _long(len(data)) + data


def _long(value):
    """Avro's int and long are the same zigzag varint."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _murmur2(data):
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    left = data[whole:]
    if left:
        h = (h ^ int.from_bytes(left, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)


def main():
    fixtures = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../schemas/fixtures")
    with open(os.path.join(fixtures, "signed-vectors.json"), encoding="utf-8") as file:
        vectors = json.load(file)
    with open(os.path.join(fixtures, "v1/JobSubmitted.avsc"), encoding="utf-8") as file:
        fingerprint = fingerprint_of(json.load(file))
    for vector in vectors:
        if vector["event"]["type"] != "JobSubmitted":
            continue
        # The registry's id is of an installation; that of the vectors stands in their frame.
        (schema_id,) = struct.unpack(">i", bytes.fromhex(vector["valueHex"])[1:5])
        key, value = signed_record(vector["event"], vector["event"]["signer"], bytes.fromhex(vector["key"]["secretHex"]), schema_id, fingerprint)
        print(key, partition_of(key, 64), value.hex(), vector["name"])


if __name__ == "__main__":
    main()
