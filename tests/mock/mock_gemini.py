#!/usr/bin/env python3
"""Mock Gemini API: generateContent, streamGenerateContent?alt=sse, countTokens.

    python3 mock_gemini.py --port 8804 --scenarios scenarios-gemini/ --log requests.jsonl
    GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8804 GEMINI_API_KEY=dummy gemini -p '[[mock:happy]] ...' -o stream-json -y

Scenario format, faults and admin endpoints: see mock_core.py.  Requests without function declarations
(Gemini CLI's model-router classifier, loop check, summaries) get a canned JSON answer and use up no turn.
"""
import json, re, uuid
from mock_core import Handler, Pick, serve


class Gemini(Handler):
    error_body = staticmethod(lambda t, m, s: {"error": {"code": s, "message": m, "status": t}})

    def api_post(self, body):
        m = re.search(r"/models/([^:/?]+):(\w+)", self.path)
        if not m:
            self.record("post-other", "", "", body=body)
            return self.send_json({}, 404)
        model, verb = m.groups()
        if verb == "countTokens":
            self.record("count_tokens", "", model)
            return self.send_json({"totalTokens": max(1, len(json.dumps(body)) // 4)})
        si = body.get("systemInstruction") or {}
        system = "\n".join(p.get("text", "") for p in (si.get("parts") or [])) if isinstance(si, dict) else str(si)
        msgs = []
        for c in body.get("contents", []):
            parts = c.get("parts", [])
            text = "\n".join(p["text"] for p in parts if "text" in p)
            fr = [p["functionResponse"] for p in parts if "functionResponse" in p]
            if c.get("role") == "model":
                msgs.append(("model", text, False))
            elif fr:
                msgs.append(("user", "\n".join(json.dumps(x.get("response", "")) for x in fr), True))
            else:
                msgs.append(("user", text, False))
        tools = [d.get("name") for t in body.get("tools", []) for d in t.get("functionDeclarations", [])]
        if not tools:
            class P: pass
            p = P(); p.fault = None
            p.turn = {"text": json.dumps({"reasoning": "mock", "model_choice": "flash", "complexity_reasoning": "mock", "complexity_score": 10})}
            p.usage = {"input": 10, "output": 5, "cache_read": 0, "cache_write": 0, "reasoning": 0}
            self.record("aux", "", model, body=body, usage=p.usage)
        else:
            p = Pick(self.state, msgs, self.headers.get("x-session-id", ""), model, system)
            self.record("generate", "", model, p, body, tools=tools, usage=None if p.fault else p.usage)
        u = p.usage
        meta = {"promptTokenCount": u["input"] + u["cache_read"], "candidatesTokenCount": u["output"], "thoughtsTokenCount": u["reasoning"],
                "cachedContentTokenCount": u["cache_read"], "totalTokenCount": u["input"] + u["cache_read"] + u["output"] + u["reasoning"]}
        rid = uuid.uuid4().hex

        def chunk(parts, fin=None):
            c = {"content": {"role": "model", "parts": parts}, "index": 0}
            if fin:
                c["finishReason"] = fin
            return {"candidates": [c], "usageMetadata": meta, "modelVersion": model, "responseId": rid}
        parts = []
        if p.turn.get("thinking"):
            parts.append({"text": p.turn["thinking"], "thought": True})
        if p.turn.get("text"):
            parts.append({"text": p.turn["text"]})
        parts += [{"functionCall": {"name": t["name"], "args": t.get("input", {})}} for t in p.turn.get("tools", [])]
        if verb == "streamGenerateContent":
            ev = [(None, chunk([x])) for x in parts[:-1]] + [(None, chunk(parts[-1:], p.turn.get("stop", "STOP")))]
            return self.reply(p, ev, lambda t, mm: [(None, {"error": {"code": 503, "message": mm, "status": t}})])
        self.reply_whole(p, chunk(parts, p.turn.get("stop", "STOP")))


if __name__ == "__main__":
    serve(Gemini, 8804, __doc__)
