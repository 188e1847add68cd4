# ruff: noqa: E501  # a table is read by its lines
"""Every mistake is one line that names file, place and remedy; all mistakes of a file are reported at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.config._values import MOVABLE

BASE = """\
providers:
  groq:
    api: openai_chat
    base_url: https://api.groq.com/openai/v1
models:
  meta/llama:
    endpoints:
      - provider: groq
        model: llama
"""
ENV = {"GROQ_API_KEY": "s3cret", "EMPTY": ""}


def top(line: str) -> str:
    """A good file with one more line, its tenth."""
    return f"{BASE}{line}\n"


def provider(line: str) -> str:
    """A good file with one more line in its provider, its fifth."""
    return changed("/v1\n", f"/v1\n    {line}\n")


def endpoint(line: str) -> str:
    """A good file with one more line in its endpoint, its tenth."""
    return f"{BASE}        {line}\n"


def probe(fields: str) -> str:
    """A good file with one probe in its tenth line."""
    return top(f"probes: {{chat: {{task: chat, {fields}}}}}")


def changed(old: str, new: str) -> str:
    """A good file with a piece replaced."""
    assert BASE.count(old) == 1
    return BASE.replace(old, new)


ENDPOINTS = "    endpoints:\n      - provider: groq\n        model: llama\n"
MODELS = f"models:\n  meta/llama:\n{ENDPOINTS}"
URL = "https://api.groq.com/openai/v1"


# fmt: off
MISTAKES = [
    # unknown keys
    (top("vantag: fra1"), ["10:1: vantag: unknown key (did you mean 'vantage'?)"]),
    (top("colour: red"), ["10:1: colour: unknown key; known keys: vantage, canaries, public, token, rate_limit, pages, public_pages, listen, store, retention, max_concurrent, grace, proxy, providers, models, probes, scoring, maintenance, publish, sinks"]),
    (provider("api_keys: x"), ["5:5: providers.groq.api_keys: unknown key (did you mean 'api_key'?)"]),
    (endpoint("pricin: {}"), ["10:9: models.meta/llama.endpoints[0].pricin: unknown key (did you mean 'pricing'?)"]),
    (endpoint("pricing: {prompt: 1, completion: 1, request: 2}"), ["10:45: models.meta/llama.endpoints[0].pricing.request: unknown key; known keys: prompt, completion, cached"]),
    (changed("    endpoints:", "    contex_length: 1\n    endpoints:"), ["7:5: models.meta/llama.contex_length: unknown key (did you mean 'context_length'?)"]),
    (probe("evry: 60s"), ["10:29: probes.chat.evry: unknown key (did you mean 'every'?)"]),
    (probe("slo: {ttf: 1s}"), ["10:35: probes.chat.slo.ttf: unknown key (did you mean 'ttft'?)"]),
    (top("scoring: {confrm: true}"), ["10:11: scoring.confrm: unknown key (did you mean 'confirm'?)"]),
    (top("publish: {file: []}"), ["10:11: publish.file: unknown key (did you mean 'files'?)"]),
    (top("publish: {files: [{format: scores, path: a, mode: 1}]}"), ["10:45: publish.files[0].mode: unknown key; known keys: format, path"]),
    (top('"two\\nlines": 1'), ['10:1: "two\\nlines": unknown key; known keys: vantage, canaries, public, token, rate_limit, pages, public_pages, listen, store, retention, max_concurrent, grace, proxy, providers, models, probes, scoring, maintenance, publish, sinks']),
    (top("? " + "x" * 150 + "\n: 1"), ['10:3: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": unknown key; known keys: vantage, canaries, public, token, rate_limit, pages, public_pages, listen, store, retention, max_concurrent, grace, proxy, providers, models, probes, scoring, maintenance, publish, sinks']),
    # keys of later versions
    (top("alerts: {on: [down]}"), ["10:1: alerts: is not supported by this version yet; remove it"]),
    (top("publish: {otel_names: true}"), ["10:11: publish.otel_names: is not supported by this version yet; remove it"]),
    # budgets
    (provider("budget: {}"), ["5:13: providers.groq.budget: sets no limit; write usd_per_day, tokens_per_day or both"]),
    (provider("budget: "), ["5:12: providers.groq.budget: is empty; write a value, or leave the key out"]),
    (provider("budget: 5"), ["5:13: providers.groq.budget: must be a mapping: lines of `key: value`"]),
    (provider("budget: {usd_per_dya: 1}"), ["5:14: providers.groq.budget.usd_per_dya: unknown key (did you mean 'usd_per_day'?)"]),
    (provider("budget: {tokens_per_day: 0}"), ["5:30: providers.groq.budget.tokens_per_day: must be at least 1"]),
    (provider("budget: {tokens_per_day: 1.5}"), ["5:30: providers.groq.budget.tokens_per_day: must be a whole number"]),
    (provider("budget: {usd_per_day: 0}"), ["5:27: providers.groq.budget.usd_per_day: must be more than 0"]),
    (provider("budget: {usd_per_day: .inf}"), ["5:27: providers.groq.budget.usd_per_day: must be a finite number"]),
    (provider("budget: {usd_per_day: ~}"), ["5:27: providers.groq.budget.usd_per_day: is empty; write a value, or leave the key out"]),
    (provider("budget: {usd_per_day: 0.5}"), ["10:16: models.meta/llama.endpoints[0].model: 'llama' has no known price, which the budget in line 5, column 27 (providers.groq.budget.usd_per_day) needs; write its `pricing: {prompt: …, completion: …}`, or tokens_per_day in place of usd_per_day"]),
    # maintenance
    (top('maintenance: {}'), ['10:14: maintenance: must be a list: lines that begin with `- `']),
    (top('maintenance: [{}]'), ['10:15: maintenance[0].endpoints: is missing; add it', '10:15: maintenance[0].from: is missing; add it', '10:15: maintenance[0].to: is missing; add it']),
    (top('maintenance: [{endpoints: [], from: 2026-12-01T02:00Z, to: 2026-12-01T04:00Z}]'), ['10:27: maintenance[0].endpoints: is empty; write an entry, or leave the key out']),
    (top('maintenance: [{endpoints: ["grok:*"], from: 2026-12-01T02:00Z, to: 2026-12-01T04:00Z}]'), ["10:28: maintenance[0].endpoints[0]: 'grok:*' matches no endpoint; write an id, or a pattern such as groq:* (did you mean 'groq:*'?)"]),
    (top('maintenance: [{endpoints: ["Groq:*", "groq:lama"], from: 2026-12-01T02:00Z, to: 2026-12-01T04:00Z}]'), ["10:28: maintenance[0].endpoints[0]: 'Groq:*' matches no endpoint; write an id, or a pattern such as groq:* (did you mean 'groq:*'?)", "10:38: maintenance[0].endpoints[1]: 'groq:lama' matches no endpoint; write an id, or a pattern such as groq:* (did you mean 'groq:llama'?)"]),
    (top('maintenance: [{endpoints: [1], from: 2026-12-01T02:00Z, to: 2026-12-01T04:00Z}]'), ['10:28: maintenance[0].endpoints[0]: must be text; put it in quotes']),
    (top('maintenance: [{endpoints: ["groq:*"], from: 2026-12-01T02:00, to: 2026-12-01T04:00Z}]'), ["10:45: maintenance[0].from: '2026-12-01T02:00' needs a zone; write for example 2026-12-01T02:00Z, or 2026-12-01T03:00+01:00"]),
    (top('maintenance: [{endpoints: ["groq:*"], from: tomorrow, to: 2026-12-01T04:00Z}]'), ["10:45: maintenance[0].from: 'tomorrow' is not a date and time; write for example 2026-12-01T02:00Z"]),
    (top('maintenance: [{endpoints: ["groq:*"], from: 0001-01-01T00:00+10:00, to: 2026-12-01T04:00Z}]'), ["10:45: maintenance[0].from: '0001-01-01T00:00+10:00' is not a date and time; write for example 2026-12-01T02:00Z"]),
    (top('maintenance: [{endpoints: ["groq:*"], from: [1], to: 2026-12-01T04:00Z}]'), ['10:45: maintenance[0].from: is not a date and time; write for example 2026-12-01T02:00Z']),
    (top('maintenance: [{endpoints: ["groq:*"], from: 2026-12-01T02:00Z, to: 2026-12-01T02:00Z}]'), ["10:68: maintenance[0].to: '2026-12-01T02:00Z' must be after `from`"]),
    (top('maintenance: [{endpoints: ["groq:*"], from: 2026-12-01T02:00Z, to: 2026-12-01T04:00Z, fro: 1}]'), ["10:87: maintenance[0].fro: unknown key (did you mean 'from'?)"]),
    (top('maintenance: [{endpoints: ["groq:*"], from: 2026-12-01T02:00Z, to: 2026-12-01T04:00Z, colour: 1}]'), ['10:87: maintenance[0].colour: unknown key; known keys: endpoints, from, to']),
    # wrong types
    (top("vantage: 1"), ["10:10: vantage: must be text; put it in quotes"]),
    (top("public: yes"), ["10:9: public: must be true or false"]),
    (top("max_concurrent: 1.5"), ["10:17: max_concurrent: must be a whole number"]),
    (top("max_concurrent: many"), ["10:17: max_concurrent: must be a whole number"]),
    (top("max_concurrent: true"), ["10:17: max_concurrent: must be a whole number"]),
    (top("scoring: true"), ["10:10: scoring: must be a mapping: lines of `key: value`"]),
    (changed(ENDPOINTS, "    endpoints: {a: 1}\n"), ["7:16: models.meta/llama.endpoints: must be a list: lines that begin with `- `"]),
    (changed(MODELS, "models: [a]\n"), ["5:9: models: must be a mapping: lines of `key: value`"]),
    (endpoint("pricing: {prompt: free, completion: .inf}"), ["10:27: models.meta/llama.endpoints[0].pricing.prompt: must be a number", "10:45: models.meta/llama.endpoints[0].pricing.completion: must be a finite number"]),
    (endpoint("enabled: 1"), ["10:18: models.meta/llama.endpoints[0].enabled: must be true or false"]),
    (endpoint("labels: {region: 1}"), ["10:26: models.meta/llama.endpoints[0].labels.region: must be text; put it in quotes"]),
    (endpoint("labels: {region: true}"), ["10:26: models.meta/llama.endpoints[0].labels.region: must be text; put it in quotes"]),
    (endpoint("labels: []"), ["10:17: models.meta/llama.endpoints[0].labels: must be a mapping: lines of `key: value`"]),
    (changed("model: llama", "model: 3.5"), ["9:16: models.meta/llama.endpoints[0].model: must be text; put it in quotes"]),
    (provider("headers: {X-Key: 1}"), ["5:22: providers.groq.headers.X-Key: must be text; put it in quotes"]),
    (provider("options: 1"), ["5:14: providers.groq.options: must be a mapping: lines of `key: value`"]),
    (top("? [a]\n: 1"), ["10:3: a key that is not text; put it in quotes"]),
    # out of bounds
    (top("max_concurrent: 0"), ["10:17: max_concurrent: must be at least 1"]),
    (top("max_concurrent: 1000000001"), ["10:17: max_concurrent: must be at most 1000000000"]),
    (endpoint("pricing: {prompt: -1, completion: 0}"), ["10:27: models.meta/llama.endpoints[0].pricing.prompt: must be at least 0"]),
    (probe("max_tokens: 0, prompt_tokens: 0"), ["10:41: probes.chat.max_tokens: must be at least 1", "10:59: probes.chat.prompt_tokens: must be at least 1"]),
    (probe("slo: {output_tps: 0}"), ["10:47: probes.chat.slo.output_tps: must be more than 0"]),
    # empty
    (top("token:"), ["10:7: token: is empty; write a value, or leave the key out"]),
    (top('token: ""'), ["10:8: token: is empty; write a value, or leave the key out"]),
    (top("vantage:"), ["10:9: vantage: is empty; write a value, or leave the key out"]),
    (top('vantage: " "'), ["10:10: vantage: is empty; write a value, or leave the key out"]),
    (top("probes:"), ["10:8: probes: is empty; write a value, or leave the key out"]),
    (top("probes: {}"), ["10:9: probes: is empty; write an entry, or leave the key out"]),
    (provider("api_key:"), ["5:13: providers.groq.api_key: is empty; write a value, or leave the key out"]),
    (provider("api_key: ''"), ["5:14: providers.groq.api_key: is empty; write a value, or leave the key out"]),
    (provider("headers: {X-Key: ''}"), ["5:22: providers.groq.headers.X-Key: is empty; write a value, or leave the key out"]),
    (endpoint("probes: []"), ["10:17: models.meta/llama.endpoints[0].probes: is empty; write an entry, or leave the key out"]),
    (endpoint("labels: {region: }"), ["10:25: models.meta/llama.endpoints[0].labels.region: is empty; write a value, or leave the key out"]),
    (endpoint("pricing: ~"), ["10:18: models.meta/llama.endpoints[0].pricing: is empty; write a value, or leave the key out"]),
    (top("publish: {files: }"), ["10:17: publish.files: is empty; write a value, or leave the key out"]),
    # missing
    (changed("    api: openai_chat\n", ""), ["2:3: providers.groq.api: is missing; add it"]),
    (changed("        model: llama\n", ""), ["8:9: models.meta/llama.endpoints[0].model: is missing; add it"]),
    (changed(ENDPOINTS, "    name: x\n"), ["6:3: models.meta/llama.endpoints: is missing; add it"]),
    (changed(MODELS, ""), ["1:1: models: is missing; add it"]),
    (MODELS, ["4:19: models.meta/llama.endpoints[0].provider: 'groq' is neither written under `providers:` nor in the catalogue; add it there or correct it"]),
    (top("probes: {chat: {}}"), ["10:10: probes.chat.task: is missing; add it"]),
    (endpoint("pricing: {prompt: 1}"), ["10:9: models.meta/llama.endpoints[0].pricing.completion: is missing; add it"]),
    (top("publish: {files: [{format: scores}]}"), ["10:19: publish.files[0].path: is missing; add it"]),
    (changed(ENDPOINTS, "    endpoints: []\n"), ["6:3: models: names no endpoint, so there is nothing to probe; add one"]),
    (changed(MODELS, "models: {}\n"), ["5:9: models: names no endpoint, so there is nothing to probe; add one"]),
    # names
    (top("probes: {'a b': {task: chat}}"), ["10:10: probes.a b: 'a b' must not contain spaces"]),
    (top("vantage: 'two words'"), ["10:10: vantage: 'two words' must not contain spaces"]),
    (changed("model: llama", "model: 'llama '"), ["9:16: models.meta/llama.endpoints[0].model: 'llama ' must not begin or end with spaces"]),
    (changed("model: llama", "model: " + "x" * 196), ["9:16: models.meta/llama.endpoints[0].model: makes the id (provider:model) longer than 200 characters; write a shorter `id:`"]),
    (endpoint('id: "a\\tb"'), ["10:13: models.meta/llama.endpoints[0].id: must not contain control characters or line breaks"]),
    (endpoint("id: " + "x" * 201), ["10:13: models.meta/llama.endpoints[0].id: is too long; at most 200 characters are allowed"]),
    (endpoint('labels: {"a b": c}'), ["10:18: models.meta/llama.endpoints[0].labels.a b: 'a b' must not contain spaces"]),
    (endpoint('labels: {a: "b\\nc"}'), ["10:21: models.meta/llama.endpoints[0].labels.a: must not contain control characters or line breaks"]),
    (provider("headers: {'X Key': a}"), ["5:15: providers.groq.headers.X Key: 'X Key' is not the name of a header; use letters, digits and -"]),
    ("providers: {'a:b': {api: openai_chat, base_url: 'http://h'}}\nmodels: {a/b: {endpoints: [{provider: 'a:b', model: m}]}}", ["1:13: providers.a:b: 'a:b' must not contain ':', which ends the provider's name in ids"]),
    # references
    (changed("provider: groq", "provider: grok"), ["8:19: models.meta/llama.endpoints[0].provider: 'grok' is neither written under `providers:` nor in the catalogue; add it there or correct it (did you mean 'groq'?)"]),
    (changed("provider: groq", "provider: anthropic"), ["8:19: models.meta/llama.endpoints[0].provider: 'anthropic' is neither written under `providers:` nor in the catalogue; add it there or correct it"]),
    (changed("provider: groq", "provider: " + "groq" * 30), ['8:19: models.meta/llama.endpoints[0].provider: "groqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroqgroq…" is neither written under `providers:` nor in the catalogue; add it there or correct it']),
    (changed("api: openai_chat", "api: OpenAI-chat"), ["3:10: providers.groq.api: 'OpenAI-chat' is not an api of this version; write anthropic_messages or openai_chat (did you mean 'openai_chat'?)"]),
    (changed("api: openai_chat", "api: grpc"), ["3:10: providers.groq.api: 'grpc' is not an api of this version; write anthropic_messages or openai_chat"]),
    (endpoint("probes: [chta]"), ["10:18: models.meta/llama.endpoints[0].probes[0]: 'chta' is not written under `probes:`; add it there or correct it (did you mean 'chat'?)"]),
    (endpoint("probes: [chat, chat]"), ["10:17: models.meta/llama.endpoints[0].probes: names something twice; keep one"]),
    # durations
    (probe("every: 60"), ["10:36: probes.chat.every: 60 needs a unit; write it with ms, s, m, h, d or y, such as 15s"]),
    (probe("every: '60'"), ["10:36: probes.chat.every: '60' needs a unit; write it with ms, s, m, h, d or y, such as 15s"]),
    (probe("every: 1.5"), ["10:36: probes.chat.every: 1.5 needs a unit; write it with ms, s, m, h, d or y, such as 15s"]),
    (probe("every: 1h30m"), ["10:36: probes.chat.every: '1h30m' is not a duration; write for example 500ms, 15s, 5m, 2h, 7d or 1y"]),
    (probe("every: [1s]"), ["10:36: probes.chat.every: is not a duration; write for example 500ms, 15s, 5m, 2h, 7d or 1y"]),
    (probe("every: true"), ["10:36: probes.chat.every: is not a duration; write for example 500ms, 15s, 5m, 2h, 7d or 1y"]),
    (probe("every: 0s"), ["10:36: probes.chat.every: must be more than 0s, and at most 3650d"]),
    (probe("every: 999ms"), ["10:36: probes.chat.every: must be at least 1s"]),
    (probe("every: 3651d"), ["10:36: probes.chat.every: must be more than 0s, and at most 3650d"]),
    (probe("every: 5m..15s"), ["10:36: probes.chat.every: '5m..15s' is not a range; the shorter interval comes first, such as 15s..5m"]),
    (probe("every: 60s..1m"), ["10:36: probes.chat.every: '60s..1m' is not a range; the shorter interval comes first, such as 15s..5m"]),
    (probe("every: 15..5m"), ["10:36: probes.chat.every: '15..5m' needs a unit; write it with ms, s, m, h, d or y, such as 15s"]),
    (probe("every: 15s..5"), ["10:36: probes.chat.every: '15s..5' needs a unit; write it with ms, s, m, h, d or y, such as 15s"]),
    (probe("every: 15s..1m..5m"), ["10:36: probes.chat.every: '15s..1m..5m' is not a duration; write for example 500ms, 15s, 5m, 2h, 7d or 1y"]),
    (probe("every: 15s.."), ["10:36: probes.chat.every: '15s..' is not a duration; write for example 500ms, 15s, 5m, 2h, 7d or 1y"]),
    (probe("every: ..5m"), ["10:36: probes.chat.every: '..5m' is not a duration; write for example 500ms, 15s, 5m, 2h, 7d or 1y"]),
    (probe("every: 500ms..5m"), ["10:36: probes.chat.every: must be at least 1s"]),
    (probe("every: 15s..3651d"), ["10:36: probes.chat.every: must be more than 0s, and at most 3650d"]),
    (probe("timeout: " + "9" * 400 + "s"), ["10:38: probes.chat.timeout: must be more than 0s, and at most 3650d"]),
    (probe("timeout: -1s"), ["10:38: probes.chat.timeout: '-1s' is not a duration; write for example 500ms, 15s, 5m, 2h, 7d or 1y"]),
    (probe("timeout: 5s"), ["10:38: probes.chat.timeout: must not be shorter than ttft_timeout (default: 10s)"]),
    (probe("ttft_timeout: 31s"), ["10:10: probes.chat.timeout: must not be shorter than ttft_timeout (default: 10s)"]),
    (probe("ttft_timeout: 3s, timeout: 2s"), ["10:56: probes.chat.timeout: must not be shorter than ttft_timeout (default: 10s)"]),
    (probe("slo: {ttft: 2}"), ["10:41: probes.chat.slo.ttft: 2 needs a unit; write it with ms, s, m, h, d or y, such as 15s"]),
    (top("grace: 30"), ["10:8: grace: 30 needs a unit; write it with ms, s, m, h, d or y, such as 15s"]),
    # tasks and formats
    (top("probes: {x: {task: tool_call}, y: {task: embedding}}"), ["9:16: models.meta/llama.endpoints[0].model: fits no probe: openai_chat can be asked for chat; add such a probe"]),
    (endpoint("probes: [chat, x]\nprobes: {chat: {task: chat}, x: {task: reach}}"), ["10:24: models.meta/llama.endpoints[0].probes[1]: 'x' asks for reach, and openai_chat can be asked for chat"]),
    (endpoint("api: openai_caht"), ["10:14: models.meta/llama.endpoints[0].api: 'openai_caht' is not an api of this version; write anthropic_messages or openai_chat (did you mean 'openai_chat'?)"]),
    (endpoint("api: anthropic_messages\n        options: {effort: max}"), ["11:18: models.meta/llama.endpoints[0].options: effort cannot be 'max'"]),
    # blame
    (top("scoring: {blame: {auth: nobody}}"), ["10:25: scoring.blame.auth: 'nobody' cannot be blamed; write provider or account"]),
    (top("scoring: {blame: {auth: monitor}}"), ["10:25: scoring.blame.auth: 'monitor' cannot be blamed; write provider or account"]),
    (top("scoring: {blame: {auth: provder}}"), ["10:25: scoring.blame.auth: 'provder' cannot be blamed; write provider or account (did you mean 'provider'?)"]),
    (top("scoring: {blame: {auth: 1}}"), ["10:25: scoring.blame.auth: must be text; put it in quotes"]),
    (top("scoring: {blame: {auht: provider}}"), ["10:19: scoring.blame.auht: 'auht' is not an error class; known classes: " + ", ".join(MOVABLE) + " (did you mean 'auth'?)"]),
    (top("scoring: {blame: {vantage_offline: provider, internal: account}}"), ["10:19: scoring.blame.vantage_offline: 'vantage_offline' is never the provider's nor the account's fault, so its blame cannot be moved", "10:46: scoring.blame.internal: 'internal' is never the provider's nor the account's fault, so its blame cannot be moved"]),
    (top("scoring: {blame: [auth]}"), ["10:18: scoring.blame: must be a mapping: lines of `key: value`"]),
    (top("probes: {x: {task: chatt}}"), ["10:20: probes.x.task: 'chatt' is not a task; write chat, tool_call, structured_output, embedding or reach (did you mean 'chat'?)"]),
    (top("probes: {x: {task: tools}}"), ["10:20: probes.x.task: 'tools' is not a task; write chat, tool_call, structured_output, embedding or reach (did you mean 'tool_call'?)"]),
    (top("probes: {x: {task: json}}"), ["10:20: probes.x.task: 'json' is not a task; write chat, tool_call, structured_output, embedding or reach"]),
    (top("probes: {x: {task: tool_cal}}"), ["10:20: probes.x.task: 'tool_cal' is not a task; write chat, tool_call, structured_output, embedding or reach (did you mean 'tool_call'?)"]),
    (top("probes: {x: {task: 1}}"), ["10:20: probes.x.task: must be text; put it in quotes"]),
    (top("publish: {files: [{format: score, path: a}]}"), ["10:28: publish.files[0].format: 'score' is not known; write envoy-eds, haproxy-map, openrouter, scores, traefik or vllm (did you mean 'scores'?)"]),
    (top("publish: {files: [{format: scores, path: a/}]}"), ["10:42: publish.files[0].path: names a folder; write the path of a file"]),
    (top("publish: {files: [{format: scores, path: ..}]}"), ["10:42: publish.files[0].path: names a folder; write the path of a file"]),
    (top("publish: {files: [{format: scores, path: a}, {format: scores, path: a}]}"), ["10:69: publish.files[1].path: is already written in line 10, column 42 (publish.files[0].path); write another path"]),
    # addresses of providers
    (changed(URL, "api.groq.com"), ["4:15: providers.groq.base_url: must begin with http:// or https://"]),
    (changed(URL, "ftp://api.groq.com"), ["4:15: providers.groq.base_url: must begin with http:// or https://"]),
    (changed(URL, "https://"), ["4:15: providers.groq.base_url: has no usable host and port; write https://host/path"]),
    (changed(URL, "https://user:s3cret@api.groq.com"), ["4:15: providers.groq.base_url: must not contain a user or password; write the key as `api_key:`"]),
    (changed(URL, "https://api.groq.com/?key=s3cret"), ["4:15: providers.groq.base_url: must not contain spaces, '?' or '#'"]),
    (changed(URL, "https://api.groq.com#a"), ["4:15: providers.groq.base_url: must not contain spaces, '?' or '#'"]),
    (changed(URL, "https://api groq.com"), ["4:15: providers.groq.base_url: must not contain spaces, '?' or '#'"]),
    (changed(URL, "https://api.groq.com:99999"), ["4:15: providers.groq.base_url: is not an address; write https://host/path"]),
    (changed(URL, "https://api.groq.com:0"), ["4:15: providers.groq.base_url: has no usable host and port; write https://host/path"]),
    (changed(URL, "http://[::1"), ["4:15: providers.groq.base_url: is not an address; write https://host/path"]),
    (changed(URL, "http://256.1.1.1/"), ["4:15: providers.groq.base_url: has no usable host and port; write https://host/path"]),
    (changed(URL, "http://a..b/"), ["4:15: providers.groq.base_url: has no usable host and port; write https://host/path"]),
    (changed(URL, "http://" + "a" * 64 + "/"), ["4:15: providers.groq.base_url: has no usable host and port; write https://host/path"]),
    # our own address
    (top("listen: 8780"), ["10:9: listen: 8780 is not host:port; write for example 127.0.0.1:8780 or [::1]:8780"]),
    (top("listen: localhost"), ["10:9: listen: 'localhost' is not host:port; write for example 127.0.0.1:8780 or [::1]:8780"]),
    (top("listen: '::1:8780'"), ["10:9: listen: '::1:8780' is not host:port; write for example 127.0.0.1:8780 or [::1]:8780"]),
    (top("listen: '[localhost]:80'"), ["10:9: listen: '[localhost]:80' is not host:port; write for example 127.0.0.1:8780 or [::1]:8780"]),
    (top("listen: 127.0.0.1:65536"), ["10:9: listen: '127.0.0.1:65536' is not host:port; write for example 127.0.0.1:8780 or [::1]:8780"]),
    (top("listen: 127.0.0.256:80"), ["10:9: listen: '127.0.0.256:80' is not host:port; write for example 127.0.0.1:8780 or [::1]:8780"]),
    (top("listen: ':8780'"), ["10:9: listen: ':8780' is not host:port; write for example 127.0.0.1:8780 or [::1]:8780"]),
    (top("listen: 0.0.0.0:8780"), ["10:9: listen: '0.0.0.0:8780' can be reached from other machines; add `token:` or `public: true`"]),
    (top("listen: '[::]:8780'\npublic: false"), ["10:9: listen: '[::]:8780' can be reached from other machines; add `token:` or `public: true`"]),
    (top("listen: monitor.example.com:8780"), ["10:9: listen: 'monitor.example.com:8780' can be reached from other machines; add `token:` or `public: true`"]),
    # canaries
    (top("canaries: 1.1.1.1:443"), ["10:11: canaries: must be a list: lines that begin with `- `"]),
    (top("canaries: [1.1.1.1]"), ["10:12: canaries[0]: '1.1.1.1' is not host:port; write for example 1.1.1.1:443 or example.com:443"]),
    (top("canaries: ['1.1.1.1:0']"), ["10:12: canaries[0]: '1.1.1.1:0' is not host:port; write for example 1.1.1.1:443 or example.com:443"]),
    (top("canaries: ['https://example.com']"), ["10:12: canaries[0]: 'https://example.com' is not host:port; write for example 1.1.1.1:443 or example.com:443"]),
    (top("canaries: [443]"), ["10:12: canaries[0]: must be text; put it in quotes"]),
    (top("canaries: ['a.example:1', '127.9.0.1:443']"), ["10:27: canaries[1]: '127.9.0.1:443' is this machine, which answers without a network; name another host"]),
    (top("canaries: ['LOCALHOST:443', '[::1]:443', '0.0.0.0:443', '[::]:443', '[::ffff:127.0.0.1]:443', 'a.localhost:443']"), [f"10:{column}: canaries[{place}]: '{name}:443' is this machine, which answers without a network; name another host" for place, (column, name) in enumerate([(12, "LOCALHOST"), (29, "[::1]"), (42, "0.0.0.0"), (57, "[::]"), (69, "[::ffff:127.0.0.1]"), (95, "a.localhost")])]),
    (top("canaries: ['1.1.1.1:443', '1.1.1.1:443']"), ["10:11: canaries: names something twice; keep one"]),
    (top(f"canaries: {[f'10.0.0.{number}:443' for number in range(9)]}"), ["10:11: canaries: has too many entries; at most 8 are allowed"]),
    # keys
    (top("token: two words"), ["10:8: token: must be ASCII characters without spaces or line breaks; check for a stray one"]),
    (provider('api_key: "s3cret\\n"'), ["5:14: providers.groq.api_key: must be ASCII characters without spaces or line breaks; check for a stray one"]),
    (provider("api_key: s3crét"), ["5:14: providers.groq.api_key: must be ASCII characters without spaces or line breaks; check for a stray one"]),
    (provider("headers: {X-Key: 's3cret '}"), ["5:22: providers.groq.headers.X-Key: must be ASCII characters without line breaks, and without spaces around them"]),
    (provider('headers: {X-Key: "s3cret\\r\\nX: 1"}'), ["5:22: providers.groq.headers.X-Key: must be ASCII characters without line breaks, and without spaces around them"]),
    # the database
    (top("store: postgresql://u:s3cret@h"), ["10:8: store: is not the address of a database; write postgresql://user:password@host:5432/database, with %40 for '@' and %2F for '/' in a password"]),
    (top("store: postgresql:u"), ["10:8: store: is not the address of a database; write postgresql://user:password@host:5432/database, with %40 for '@' and %2F for '/' in a password"]),
    (top("store: postgresql://u:s3cret@h/db/more"), ["10:8: store: is not the address of a database; write postgresql://user:password@host:5432/database, with %40 for '@' and %2F for '/' in a password"]),
    (top("store: postgresql://u:s3@cret@h/db"), ["10:8: store: is not the address of a database; write postgresql://user:password@host:5432/database, with %40 for '@' and %2F for '/' in a password"]),
    (top("store: postgresql://u:s3/cret@h/db"), ["10:8: store: is not the address of a database; write postgresql://user:password@host:5432/database, with %40 for '@' and %2F for '/' in a password"]),
    (top("store: postgres://u:s3cret@h:port/db"), ["10:8: store: is not the address of a database; write postgresql://user:password@host:5432/database, with %40 for '@' and %2F for '/' in a password"]),
    (top("store: postgresql+psycopg://u:s3cret@h/db"), ["10:8: store: is not the address of a database; write postgresql://user:password@host:5432/database, with %40 for '@' and %2F for '/' in a password"]),
    (top("store: postgresql://u:s3cret@h:0/db"), ["10:8: store: has no usable host and port; write postgresql://user:password@host:5432/database"]),
    (top("store: postgresql://u:s3cret@h:65536/db"), ["10:8: store: has no usable host and port; write postgresql://user:password@host:5432/database"]),
    (top("store: postgresql://u:s3cret@/db"), ["10:8: store: has no usable host and port; write postgresql://user:password@host:5432/database"]),
    (top("store: postgresql://u:s3cret@1.2.3/db"), ["10:8: store: has no usable host and port; write postgresql://user:password@host:5432/database"]),
    (top("store: postgresql://u:s3cret@h/db?connect_timeout=5"), ["10:8: store: allows only the options host, ssl, sslmode, sslrootcert after '?', each once; remove the others"]),
    (top("store: postgresql://u:s3cret@h/db?ssl=require&ssl=prefer"), ["10:8: store: allows only the options host, ssl, sslmode, sslrootcert after '?', each once; remove the others"]),
    (top("store: postgresql://u:s3cret@h/db?ssl=on"), ["10:8: store: has a wrong value for ssl; write one of disable, prefer, require, verify-ca, verify-full"]),
    (top("store: postgresql://u:s3cret@h/db?sslmode=allow"), ["10:8: store: has a wrong value for sslmode; write one of disable, prefer, require, verify-ca, verify-full"]),
    (top("store: postgresql://u:s3cret@h/db?host=/run"), ["10:8: store: needs the folder of the server's socket after `?host=`, and no other host; such as ?host=/run/postgresql"]),
    (top("store: postgresql://u:s3cret@/db?host=h"), ["10:8: store: needs the folder of the server's socket after `?host=`, and no other host; such as ?host=/run/postgresql"]),
    (top("store: mysql://u:s3cret@h/db"), ["10:8: store: is not a database that can be used; write sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or postgresql://user:password@host:5432/database"]),
    (top("store: sqlite:///"), ["10:8: store: names no file; write sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or postgresql://user:password@host:5432/database"]),
    (top("store: 'sqlite::memory:'"), ["10:8: store: names no file; write sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or postgresql://user:password@host:5432/database"]),
    (top("store: sqlite:///pw.db"), ["10:8: store: is a file in the root folder; write sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or postgresql://user:password@host:5432/database"]),
    (top("store: sqlite:/pw.db"), ["10:8: store: names no file; write sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or postgresql://user:password@host:5432/database"]),
    (top("store: sqlite:///a/"), ["10:8: store: names no file; write sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or postgresql://user:password@host:5432/database"]),
    (top("store: sqlite:a.db?mode=ro"), ["10:8: store: must not contain '?' or '#'; write sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or postgresql://user:password@host:5432/database"]),
    (top("store: /var/lib/a.db"), ["10:8: store: is not a database that can be used; write sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or postgresql://user:password@host:5432/database"]),
    # retention
    (top("retention: {raw: 47h}"), ["10:18: retention.raw: must be at least 2d: uptime of the last day is computed from samples"]),
    (top("retention: {hourly: 90d}"), ["10:21: retention.hourly: must be at least 91d: uptime of the last 90 days is computed from hourly counts"]),
    (top("retention: {raw: 2y}"), ["10:1: retention.hourly: must not be shorter than raw (default: 7d)"]),
    (top("retention: {raw: 2y, hourly: 1y}"), ["10:30: retention.hourly: must not be shorter than raw (default: 7d)"]),
    (top("retention: {daily: 399d}"), ["10:20: retention.daily: must not be shorter than hourly (default: 400d)"]),
    (top("retention: {weekly: 1y}"), ["10:13: retention.weekly: unknown key; known keys: raw, hourly, daily"]),
    (top("retention: {daily: for ever}"), ["10:20: retention.daily: 'for ever' is not a duration; write for example 500ms, 15s, 5m, 2h, 7d or 1y"]),
    # aliases
    (endpoint("aliases: []"), ["10:18: models.meta/llama.endpoints[0].aliases: is empty; write an entry, or leave the key out"]),
    (endpoint("aliases: [a, a]"), ["10:22: models.meta/llama.endpoints[0].aliases[1]: 'a' is the alias in line 10, column 19 (models.meta/llama.endpoints[0].aliases[0]); name an id that no endpoint has now"]),
    (endpoint("aliases: [1]"), ["10:19: models.meta/llama.endpoints[0].aliases[0]: must be text; put it in quotes"]),
    (endpoint("aliases: ['groq:llama']"), ["10:19: models.meta/llama.endpoints[0].aliases[0]: 'groq:llama' is the id in line 9, column 16 (models.meta/llama.endpoints[0].model); name an id that no endpoint has now"]),
    (endpoint("aliases: [old, 'x:y']\n      - {provider: groq, model: other, id: 'x:y', aliases: [old]}"), ["10:24: models.meta/llama.endpoints[0].aliases[1]: 'x:y' is the id in line 11, column 44 (models.meta/llama.endpoints[1].id); name an id that no endpoint has now", "11:61: models.meta/llama.endpoints[1].aliases[0]: 'old' is the alias in line 10, column 19 (models.meta/llama.endpoints[0].aliases[0]); name an id that no endpoint has now"]),
    # ids
    (top("      - {provider: groq, model: llama}"), ["10:33: models.meta/llama.endpoints[1].model: id 'groq:llama' is already taken in line 9, column 16 (models.meta/llama.endpoints[0].model); write another `id:`"]),
    (top("      - {provider: groq, model: other, id: 'groq:llama'}"), ["10:44: models.meta/llama.endpoints[1].id: id 'groq:llama' is already taken in line 9, column 16 (models.meta/llama.endpoints[0].model); write another `id:`"]),
    (top("  a/b:\n    endpoints: [{provider: groq, model: x, id: same}, {provider: groq, model: y, id: same}]"), ["11:86: models.a/b.endpoints[1].id: id 'same' is already taken in line 11, column 48 (models.a/b.endpoints[0].id); write another `id:`"]),
    # options
    (provider("options: {efort: low}"), ["5:14: providers.groq.options: openai_chat has no option 'efort'"]),
    (endpoint("options: {effort: max}"), ["10:18: models.meta/llama.endpoints[0].options: effort cannot be 'max'"]),
    (endpoint("options: {depth: deep}"), ["10:18: models.meta/llama.endpoints[0].options: depth cannot be 'deep'"]),
    # references to the outside
    (provider("api_key: ${env:GROQ_APIKEY}"), ["5:14: providers.groq.api_key: environment variable 'GROQ_APIKEY' is not set; set it (did you mean 'GROQ_API_KEY'?)"]),
    (provider("api_key: ${env:NOTHING_LIKE_IT}"), ["5:14: providers.groq.api_key: environment variable 'NOTHING_LIKE_IT' is not set; set it"]),
    (provider("api_key: Bearer-${env:EMPTY}"), ["5:14: providers.groq.api_key: environment variable 'EMPTY' is empty; give it a value"]),
    (provider("api_key: ${file:/nowhere/key}"), ["5:14: providers.groq.api_key: file '/nowhere/key' cannot be read: no such file or directory; correct the path or the file"]),
    (provider("api_key: ${file:/etc}"), ["5:14: providers.groq.api_key: file '/etc' cannot be read: is a directory; correct the path or the file"]),
    (provider('api_key: "${file:/a\\0b}"'), ['5:14: providers.groq.api_key: file "/a\\u0000b" cannot be read: no file has such a name; correct the path or the file']),
    (provider("api_key: ${file:/dev/zero}"), ["5:14: providers.groq.api_key: file '/dev/zero' is too long: at most 65536 bytes are allowed; correct the path or the file"]),
    (provider("api_key: ${file:key}"), ["5:14: providers.groq.api_key: `${` does not begin a valid reference; write ${env:NAME}, ${file:/absolute/path} or ${credential:NAME}, or $${ for a plain ${"]),
    (provider("api_key: ${credential:key_groq}"), ["5:14: providers.groq.api_key: credential 'key_groq' is not available: $CREDENTIALS_DIRECTORY is not set; let systemd load it (LoadCredential=)"]),
    (provider("api_key: ${GROQ_API_KEY}"), ["5:14: providers.groq.api_key: `${` does not begin a valid reference; write ${env:NAME}, ${file:/absolute/path} or ${credential:NAME}, or $${ for a plain ${"]),
    (top("max_concurrent: ${env:GROQ_API_KEY}"), ["10:17: max_concurrent: must be a whole number, and a `${…}` reference always gives text; write the value into the file"]),
    (top("public: ${env:GROQ_API_KEY}"), ["10:9: public: must be true or false, and a `${…}` reference always gives text; write the value into the file"]),
    # what YAML would let pass
    (top("vantage: a\nvantage: b"), ["11:1: vantage: is written twice, first in line 10; keep one"]),
    (top("1: x\ntrue: x"), ["10:1: a key that is not text; put it in quotes", "11:1: a key that is not text; put it in quotes"]),
    (top("vantage: !!python/name:os.system ''"), ["10:10: vantage: has a tag that is not supported; remove it, or put text that starts with '!' in quotes"]),
    (top("vantage: !s3cret x"), ["10:10: vantage: has a tag that is not supported; remove it, or put text that starts with '!' in quotes"]),
    (top("max_concurrent: !!int many"), ["10:17: max_concurrent: does not fit its tag (!!), or is too large a number; correct it"]),
    (top("max_concurrent: " + "9" * 30), ["10:17: max_concurrent: does not fit its tag (!!), or is too large a number; correct it"]),
    (top("public: !!bool maybe"), ["10:9: public: does not fit its tag (!!), or is too large a number; correct it"]),
    (top("publish: !!set {a}"), ["10:10: publish: has a tag that is not supported; remove it, or put text that starts with '!' in quotes"]),
    (top('vantage: "\\ud800"'), ["10:10: vantage: must not contain control characters or line breaks"]),
    (top('publish: {"\\ud800": 1}'), ["10:10: publish: must not contain half a character (\\uD800 to \\uDFFF); write it whole"]),
    (top("publish: {<<: x}"), ["10:15: publish: `<<` merges mappings and nothing else; write `<<: *name`"]),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_a_mistake_is_reported_with_place_and_remedy(
    text: str, expected: list[str], lines: Callable[..., list[str]]
) -> None:
    assert lines(text, ENV) == [f"pw.yaml:{line}" for line in expected]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_no_message_holds_a_secret(text: str, expected: list[str], lines: Callable[..., list[str]]) -> None:
    told = "\n".join(lines(text, ENV)).replace("[...]", "")
    assert "3cr" not in told


def test_all_mistakes_of_a_file_are_reported_in_the_order_of_the_file(lines: Callable[..., list[str]]) -> None:
    text = """\
vantag: fra1
listen: 0.0.0.0:80
providers:
  groq:
    api: openai_chta
    base_url: ${env:NOT_SET}
    labels: {region: 1}
  own:
    api: openai_chat
    base_url: http://localhost:8000
    options: {efort: low}
models:
  meta/llama:
    endpoints:
      - {provider: grok, model: a, pricin: 1}
      - {provider: own, model: a, probes: [chta]}
      - {provider: own, model: a}
  b: {endpoints: 1}
probes:
  chat: {task: chat, every: 60}
"""
    places = [line.split(": ")[:2] for line in lines(text)]
    assert places == [
        ["pw.yaml:1:1", "vantag"],
        ["pw.yaml:2:9", "listen"],
        ["pw.yaml:5:10", "providers.groq.api"],
        ["pw.yaml:6:15", "providers.groq.base_url"],
        ["pw.yaml:7:22", "providers.groq.labels.region"],
        ["pw.yaml:11:14", "providers.own.options"],
        ["pw.yaml:15:20", "models.meta/llama.endpoints[0].provider"],
        ["pw.yaml:15:36", "models.meta/llama.endpoints[0].pricin"],
        ["pw.yaml:16:44", "models.meta/llama.endpoints[1].probes[0]"],
        ["pw.yaml:17:32", "models.meta/llama.endpoints[2].model"],
        ["pw.yaml:18:18", "models.b.endpoints"],
        ["pw.yaml:20:29", "probes.chat.every"],
    ]


def test_an_unreadable_value_is_reported_once_and_causes_no_further_mistakes(lines: Callable[..., list[str]]) -> None:
    text = """\
token: ${env:NOT_SET}
listen: 0.0.0.0:80
public: !secret x
max_concurrent: ${env:NOT_SET}
providers:
  groq: {api: "${env:NOT_SET}", base_url: "${env:NOT_SET}", options: {effort: "${env:NOT_SET}"}}
  own: {api: openai_chat, base_url: http://h, options: {effort: "${env:NOT_SET}"}}
models:
  a/b:
    endpoints:
      - {provider: "${env:NOT_SET}", model: a}
      - {provider: "${env:NOT_SET}", model: a}
      - {provider: own, model: a, probes: "${env:NOT_SET}"}
      - {provider: groq, model: a, id: "${env:NOT_SET}"}
probes: !x {}
"""
    told = [line for line in lines(text) if "NOT_SET" not in line and "tag" not in line]
    assert told == []


def test_a_file_that_is_one_unreadable_value_is_reported_once(lines: Callable[..., list[str]]) -> None:
    assert lines("!secret x") == [
        "pw.yaml:1:1: has a tag that is not supported; remove it, or put text that starts with '!' in quotes"
    ]


def test_mistakes_of_a_provider_are_reported_once_for_all_its_endpoints(lines: Callable[..., list[str]]) -> None:
    text = provider("options: {effort: max}") + "      - {provider: groq, model: other}\n"
    assert lines(text) == ["pw.yaml:5:14: providers.groq.options: effort cannot be 'max'"]


SECRET_OPTIONS = [
    ("effort: '${env:SECRET}'", "effort cannot be '***'"),
    ("depth: '${env:SECRET}'", "depth cannot be '***'"),
    ("nested: {deep: ['${env:SECRET}', 1]}", "nested cannot be {'deep': ['***', 1]}"),
]


@pytest.mark.parametrize(("option", "reason"), SECRET_OPTIONS)
def test_a_codec_that_quotes_an_option_does_not_give_a_secret_away(
    option: str, reason: str, lines: Callable[..., list[str]]
) -> None:
    told = lines(provider(f"options: {{{option}}}"), {"SECRET": "s3cret-nested"})
    assert told == [f"pw.yaml:5:14: providers.groq.options: {reason}"]


def test_a_reason_that_contains_a_secret_is_not_shown(lines: Callable[..., list[str]]) -> None:
    told = lines(provider("options: {effort: '${env:A}', note: '${env:B}'}"), {"A": "low", "B": "x"})
    assert told == ["pw.yaml:5:14: providers.groq.options: openai_chat has no option 'note'"]
    told = lines(provider("options: {word: '${env:SECRET}'}"), {"SECRET": "s3cret"})
    assert told == ["pw.yaml:5:14: providers.groq.options: its api rejects the value of a `${…}` reference; correct it"]


def test_values_from_outside_are_never_shown_nor_guessed_at(lines: Callable[..., list[str]]) -> None:
    env = {"P": "grok", "M": "llama", "T": "chatt", "D": "60", "L": "0.0.0.0:80"}
    text = f"""\
{BASE}      - {{provider: "${{env:P}}", model: x}}
      - {{provider: groq, model: "${{env:M}}"}}
probes: {{chat: {{task: "${{env:T}}", every: "${{env:D}}"}}}}
listen: ${{env:L}}
"""
    assert lines(text, env) == [
        "pw.yaml:10:20: models.meta/llama.endpoints[1].provider: "
        "*** is neither written under `providers:` nor in the catalogue; add it there or correct it",
        "pw.yaml:11:33: models.meta/llama.endpoints[2].model: "
        "id *** is already taken in line 9, column 16 (models.meta/llama.endpoints[0].model); write another `id:`",
        "pw.yaml:12:23: probes.chat.task: *** is not a task; write chat, tool_call, structured_output, embedding or reach",
        "pw.yaml:12:42: probes.chat.every: *** needs a unit; write it with ms, s, m, h, d or y, such as 15s",
        "pw.yaml:13:9: listen: *** can be reached from other machines; add `token:` or `public: true`",
    ]
