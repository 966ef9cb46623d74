#!/usr/bin/env python3
"""An agent for Prokura in Python 3.8 or newer, with nothing but the standard library.

It exchanges a person's access token and their mandate for a delegation token (RFC 8693), calls one tool over MCP, and
waits while people decide. The agent authenticates with a client secret: a key (private_key_jwt) is better, but needs
ES256, which the standard library cannot sign.

    export ISSUER=https://prokura.example.com/t/tnt_...   AGENT_ID=agt_...   MANDATE_ID=mdt_...
    export AGENT_SECRET=ags_...     # from POST /v1/agents/{id}/secret, shown once
    export SUBJECT_TOKEN=...        # the person's own access token from the identity provider
    python3 agent.py okta_reset_mfa '{"person": "ann@acme.example", "reason": "Ann has lost her phone"}'
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


class Refused(Exception):
    """The server said no, or did not answer. The message never holds a token or the secret."""


class DoNotFollow(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to another address."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(DoNotFollow)


def post(url, body, headers):
    """Sends a POST and returns the JSON of the answer. Raises Refused for any status but 200."""
    request = urllib.request.Request(url, data=body, headers={"Accept": "application/json", **headers})
    try:
        # A call that needs an approval is held for up to 20 seconds, approval_wait for up to 25.
        with OPENER.open(request, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        try:
            answer = json.load(error)
        except ValueError:
            answer = {}
        words = answer.get("error_description") or f"{url} answered {error.code}"
        raise Refused(f"{answer.get('error', 'error')}: {words}") from None
    except OSError as error:
        raise Refused(f"{url} did not answer: {error}") from None


def exchange(issuer, agent_id, secret, mandate_id, subject_token):
    """Returns a delegation token. It is good for 300 seconds at most; exchange again for the next one."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token": subject_token,
        "mandate_id": mandate_id,
    }
    # RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
    pair = ":".join(urllib.parse.quote_plus(part) for part in (agent_id, secret))
    basic = base64.b64encode(pair.encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    return post(f"{issuer}/oauth2/token", urllib.parse.urlencode(form).encode(), headers)["access_token"]


def call(mcp_url, token, tool, arguments):
    """Calls one tool and returns its answer: a dict with `status`, and `result` once it is done."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = post(mcp_url, json.dumps(message).encode(), headers)
    if "error" in answer:
        raise Refused(answer["error"]["message"])
    return answer["result"]["structuredContent"]


def setting(name):
    """Returns an environment variable; exits with a sentence where it is not set."""
    return os.environ.get(name) or sys.exit(f"Set {name}; the top of this file says what it is.")


def main(tool, arguments):
    issuer, agent_id, secret, mandate_id, subject_token = (
        setting(name) for name in ("ISSUER", "AGENT_ID", "AGENT_SECRET", "MANDATE_ID", "SUBJECT_TOKEN")
    )
    mcp_url = urllib.parse.urljoin(issuer, "/mcp")
    token = exchange(issuer, agent_id, secret, mandate_id, subject_token)
    answer = call(mcp_url, token, tool, json.loads(arguments))
    approval = answer.get("approval_id")
    if answer["status"] == "pending_approval":
        print("Waiting for", " or ".join(answer.get("approvers", [])), file=sys.stderr, flush=True)
    while answer["status"] in ("pending_approval", "running") and approval:
        # A new token each time: people may take longer than a token lives.
        token = exchange(issuer, agent_id, secret, mandate_id, subject_token)
        answer = call(mcp_url, token, "approval_wait", {"approval_id": approval, "wait_seconds": 20})
    print(json.dumps(answer.get("result", answer) if answer["status"] == "done" else answer, indent=2))
    return 0 if answer["status"] == "done" else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: python3 agent.py TOOL JSON")
    try:
        sys.exit(main(sys.argv[1], sys.argv[2]))
    except (Refused, ValueError) as error:
        sys.exit(str(error))
