#!/usr/bin/env python3
"""Checks a history of Punctaj without Punctaj; docs/event-format.md tells what it checks.

    psql -XAt "$URL" -c 'select to_jsonb(e) from punctaj.events e order by guild_id, seq' |
        python3 verify_events.py [-]

Reads one event a line from the files named, or from the standard input. Prints each guild's
head, or the first thing that does not agree; the exit code is 1 then.
"""
import fileinput, hashlib, json, re, sys
from datetime import datetime, timezone

COPIED = "op_id device_id attribution via action table_id outcome seq undoes".split()
COLUMNS = set(COPIED) | set("guild_id at applied_at actor_id changes reason overwrote prev_hash hash salt".split())
CHANGE = {"what", "id", "name", "field", "field_id", "before", "after", "requested", "delta", "superseded"}
OVERWROTE = {"seq", "id", "field", "field_id", "value"}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def moment(text):
    """UTC with six digits of a second, from any offset and any number of digits."""
    start, fraction, offset = re.fullmatch(r"([\d-]+T[\d:]+)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)", text).groups()
    utc = datetime.fromisoformat(start + offset.replace("Z", "+00:00")).astimezone(timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + (fraction or "").ljust(6, "0") + "Z"


def only(known, thing):
    if not known >= thing.keys():
        raise ValueError("unknown keys: " + ", ".join(thing.keys() - known))


def canonical_form(event):
    def hidden(pointer, value):
        if not isinstance(value, str):
            return value
        return sha256(sha256((event["salt"] or "") + pointer) + value)

    def present(it, *keys):
        return {key: it[key] for key in keys if it.get(key) is not None and it[key] is not False}

    def field(pointer, it):
        """The name of an extra field, which has a number, is free text."""
        return it["field"] if it.get("field_id") is None else hidden(pointer, it["field"])

    def change(index, it):
        only(CHANGE, it)
        form = {key: it[key] for key in ("what", "id")} | {"field": field(f"/changes/{index}/field", it)}
        form |= {key: hidden(f"/changes/{index}/{key}", it[key]) for key in ("name", "before", "after")}
        return form | present(it, "field_id", "requested", "delta", "superseded")

    def overwrote(index, it):
        only(OVERWROTE, it)
        form = {key: it[key] for key in ("seq", "id")} | {"field": field(f"/overwrote/{index}/field", it)}
        form |= {"value": hidden(f"/overwrote/{index}/value", it["value"])}
        return form | present(it, "field_id")

    only(COLUMNS, event)
    actor, lost = event["actor_id"], event["overwrote"]
    form = {key: event[key] for key in COPIED} | {
        "v": 1,
        "guild_id": str(event["guild_id"]),
        "at": moment(event["at"]),
        "applied_at": moment(event["applied_at"]),
        "actor": None if actor is None else hidden("/actor_id", str(actor)),
        "changes": [change(index, it) for index, it in enumerate(event["changes"])],
        "reason": hidden("/reason", event["reason"]),
        "overwrote": None if lost is None else [overwrote(index, it) for index, it in enumerate(lost)],
    }
    return json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


heads = {}
for line in filter(str.strip, fileinput.input(encoding="utf-8")):
    try:
        event = json.loads(line)
        seq, head = heads.get(event["guild_id"], (0, "0" * 64))
        computed = {"seq": seq + 1, "prev_hash": head, "hash": sha256(head + "\n" + canonical_form(event))}
        for what, value in computed.items():
            if event[what] != value:
                sys.exit(f"guild {event['guild_id']}, event {event['seq']}: {what} is {event[what]}, should be {value}")
        heads[event["guild_id"]] = event["seq"], event["hash"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(f"line {fileinput.lineno()}: not an event: {error!r}")
for guild, (seq, head) in heads.items():
    print(f"guild {guild}: {seq} events agree, head {head}")
