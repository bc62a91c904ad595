#!/usr/bin/env python3
"""Mock OpenAI API: Responses API (Codex) and Chat Completions (opencode and other compatible clients).

    python3 mock_openai.py --port 8802 --scenarios scenarios/ --log requests.jsonl [--dump bodies/]

Codex:    -c 'model_providers.mock={name="mock",base_url="http://127.0.0.1:8802/v1",env_key="MOCK_KEY",wire_api="responses"}'
          -c model_provider=mock -m gpt-5-codex
Scenario format, faults and admin endpoints: see mock_core.py.  A scenario's tool call is emitted as a
function_call, or, when it has "input" as a STRING, as a custom_tool_call (Codex's freeform apply_patch):
    {"name": "exec_command", "input": {"cmd": "git status"}}          -> function_call
    {"name": "apply_patch", "input": "*** Begin Patch\\n..."}          -> custom_tool_call
"""
import json, time, uuid
from mock_core import Handler, Pick, serve


def flat(content):
    if isinstance(content, str):
        return content
    return "\n".join(c.get("text", "") or "" for c in content or [] if isinstance(c, dict))


class OpenAI(Handler):
    error_body = staticmethod(lambda t, m, s: {"error": {"message": m, "type": t, "param": None, "code": t}})

    def api_get(self):
        self.record("get", "", "")
        if self.headers.get("upgrade", "").lower() == "websocket":
            return self.send_json(self.error_body("not_found", "no websocket here", 404), 404)
        if self.path.split("?")[0].endswith("/models"):
            return self.send_json({"object": "list", "data": [{"id": "gpt-5-codex", "object": "model", "created": 1, "owned_by": "mock"}], "models": []})
        self.send_json(self.error_body("not_found", self.path, 404), 404)

    def api_post(self, body):
        path = self.path.split("?")[0]
        if path.endswith("/responses"):
            return self.post_responses(body)
        if path.endswith("/chat/completions"):
            return self.post_chat(body)
        self.record("post-other", "", "", body=body)
        self.send_json({}, 404)

    # ---- Responses API
    def post_responses(self, body):
        model = body.get("model", "")
        session = body.get("prompt_cache_key") or self.headers.get("session_id") or self.headers.get("session-id") or ""
        system, msgs = body.get("instructions") or "", []
        inp = body.get("input") or []
        if isinstance(inp, str):
            inp = [{"type": "message", "role": "user", "content": inp}]
        prev_model = False      # one model turn may be several items (message + calls): count it once
        for it in inp:
            t = it.get("type", "message")
            if t == "message" and it.get("role") in ("system", "developer"):
                system += "\n" + flat(it.get("content"))
                continue
            if t == "message" and it.get("role") == "user":
                msgs.append(("user", flat(it.get("content")), False)); prev_model = False
            elif t.endswith("_output"):
                o = it.get("output")
                msgs.append(("user", o if isinstance(o, str) else flat(o) if isinstance(o, list) else json.dumps(o), True)); prev_model = False
            elif t in ("message", "function_call", "custom_tool_call", "local_shell_call", "reasoning"):
                if not prev_model:
                    msgs.append(("model", flat(it.get("content")) if t == "message" else "", False))
                prev_model = True
        tools = [t.get("name") or t.get("type") for t in body.get("tools", [])]
        p = Pick(self.state, msgs, session, model, system)
        self.record("responses", session, model, p, body, tools=tools, n_items=len(inp), usage=None if p.fault else p.usage)
        rid, u = "resp_mock_" + uuid.uuid4().hex[:16], p.usage
        base = {"id": rid, "object": "response", "created_at": int(time.time()), "model": model, "status": "in_progress", "output": []}
        items = []
        if p.turn.get("thinking"):
            items.append({"type": "reasoning", "id": "rs_" + uuid.uuid4().hex[:16], "summary": [{"type": "summary_text", "text": p.turn["thinking"]}], "content": None, "encrypted_content": None})
        if p.turn.get("text"):
            items.append({"type": "message", "id": "msg_" + uuid.uuid4().hex[:16], "role": "assistant", "status": "completed",
                          "content": [{"type": "output_text", "text": p.turn["text"], "annotations": []}]})
        for t in p.turn.get("tools", []):
            i = t.get("input", {})
            common = {"id": "fc_" + uuid.uuid4().hex[:16], "call_id": "call_mock_" + uuid.uuid4().hex[:16], "name": t["name"], "status": "completed"}
            if t.get("namespace"):
                common["namespace"] = t["namespace"]
            items.append({"type": "custom_tool_call", **common, "input": i} if isinstance(i, str)
                         else {"type": "function_call", **common, "arguments": json.dumps(i)})
        ev, n = [], 0

        def add(typ, **kw):
            nonlocal n
            ev.append((typ, {"type": typ, "sequence_number": n, **kw})); n += 1
        add("response.created", response=base)
        add("response.in_progress", response=base)
        for k, it in enumerate(items):
            if it["type"] == "message":
                add("response.output_item.added", output_index=k, item={**it, "status": "in_progress", "content": []})
                txt = it["content"][0]["text"]
                for j in range(0, len(txt), 40):
                    add("response.output_text.delta", item_id=it["id"], output_index=k, content_index=0, delta=txt[j:j + 40])
                add("response.output_text.done", item_id=it["id"], output_index=k, content_index=0, text=txt)
            else:
                add("response.output_item.added", output_index=k, item={**it, "status": "in_progress"} if "status" in it else it)
            add("response.output_item.done", output_index=k, item=it)
        usage = {"input_tokens": u["input"] + u["cache_read"], "input_tokens_details": {"cached_tokens": u["cache_read"]},
                 "output_tokens": u["output"] + u["reasoning"], "output_tokens_details": {"reasoning_tokens": u["reasoning"]},
                 "total_tokens": u["input"] + u["cache_read"] + u["output"] + u["reasoning"]}
        done = {**base, "status": "completed", "output": items, "usage": usage}
        if p.turn.get("stop") == "incomplete":
            add("response.incomplete", response={**done, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}})
        else:
            add("response.completed", response=done)
        if body.get("stream"):
            return self.reply(p, ev, lambda t, m: [("response.failed", {"type": "response.failed", "sequence_number": n, "response": {
                **base, "status": "failed", "error": {"code": t, "message": m}}})])
        self.reply_whole(p, done)

    # ---- Chat Completions
    def post_chat(self, body):
        model = body.get("model", "")
        session = self.headers.get("x-session-id") or self.headers.get("x-session-affinity") or body.get("user") or body.get("prompt_cache_key") or ""
        system, msgs = "", []
        for m in body.get("messages", []):
            r, t = m.get("role"), flat(m.get("content"))
            if r in ("system", "developer"):
                system += "\n" + t
            elif r == "tool":
                msgs.append(("user", t, True))
            else:
                msgs.append(("user" if r == "user" else "model", t, False))
        tools = [t.get("function", {}).get("name") for t in body.get("tools", [])]
        if not tools:
            class P: pass
            p = P(); p.fault, p.turn = None, {"text": "Mock title"}
            p.usage = {"input": 10, "output": 5, "cache_read": 0, "cache_write": 0, "reasoning": 0}
            self.record("aux", session, model, body=body)
        else:
            p = Pick(self.state, msgs, session, model, system)
            self.record("chat", session, model, p, body, tools=tools, usage=None if p.fault else p.usage)
        u = p.usage
        usage = {"prompt_tokens": u["input"] + u["cache_read"], "completion_tokens": u["output"] + u["reasoning"],
                 "total_tokens": u["input"] + u["cache_read"] + u["output"] + u["reasoning"],
                 "prompt_tokens_details": {"cached_tokens": u["cache_read"]}, "completion_tokens_details": {"reasoning_tokens": u["reasoning"]}}
        calls = [{"index": i, "id": "call_mock_" + uuid.uuid4().hex[:16], "type": "function",
                  "function": {"name": t["name"], "arguments": json.dumps(t.get("input", {}))}} for i, t in enumerate(p.turn.get("tools", []))]
        stop = p.turn.get("stop") or ("tool_calls" if calls else "stop")
        base = {"id": "chatcmpl-mock-" + uuid.uuid4().hex[:12], "created": int(time.time()), "model": model}

        def chunk(delta, fin=None, **kw):
            return (None, {**base, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": fin}], **kw})
        ev, txt = [chunk({"role": "assistant", "content": ""})], p.turn.get("text", "")
        ev += [chunk({"content": txt[j:j + 40]}) for j in range(0, len(txt), 40)]
        ev += [chunk({"tool_calls": [c]}) for c in calls]
        ev.append(chunk({}, stop))
        ev.append((None, {**base, "object": "chat.completion.chunk", "choices": [], "usage": usage}))
        if body.get("stream"):
            return self.reply(p, ev, lambda t, m: [(None, {"error": {"message": m, "type": t, "code": t}})], done_sentinel="[DONE]")
        self.reply_whole(p, {**base, "object": "chat.completion", "usage": usage, "choices": [{"index": 0, "finish_reason": stop, "message": {
            "role": "assistant", "content": txt, **({"tool_calls": calls} if calls else {})}}]})


if __name__ == "__main__":
    serve(OpenAI, 8802, __doc__)
