"""Sample code: curl, Python and TypeScript for one endpoint, LiteLLM and `/v1/route` for the model. Pure.

Every program asks one question and prints the answer. Keys are environment variables. A test runs each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pprint import pformat
from typing import Any, Final

from monitor.config.model import EndpointSpec
from monitor.web.pages.model.requests import (
    QUESTION,
    Part,
    SampleRequest,
    Variable,
    base_url,
    extra_headers,
    key_variable,
    sample_requests,
)
from probes._model import Endpoint, Probe

OPENAI: Final = "openai_chat"
"""The wire API of OpenAI's own libraries and of LiteLLM's `openai/`."""
_WIDTH: Final = 100
_ROUTER: Final = Variable("PROVIDERWATCH_URL")
_TOKEN: Final = Variable("PROVIDERWATCH_TOKEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A program, or a command of a shell."""

    title: str
    language: str
    """The name of the language as syntax highlighting has it: `bash`, `python`, `typescript`."""
    needs: str
    """What has to be there; empty: nothing but the language."""
    code: str

    @property
    def lines(self) -> list[str]:
        """The code line by line, as a template needs it: it shows no control characters, line ends included."""
        return self.code.split("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnippetGroup:
    """The programs of one heading."""

    heading: str
    snippets: tuple[Snippet, ...]


def endpoint_snippets(endpoint: Endpoint, codec: Probe, *, is_public: bool) -> tuple[SnippetGroup, ...]:
    """Programs for one endpoint, in three languages: for a whole answer and, if the API streams text, for a stream."""
    asked = tuple(sample_requests(endpoint, codec, is_public=is_public))
    if endpoint.api == OPENAI:
        python = tuple(_openai_python(endpoint, streams=request.streams, is_public=is_public) for request in asked)
        script = tuple(_openai_typescript(endpoint, streams=request.streams, is_public=is_public) for request in asked)
    else:
        python = tuple(map(_plain_python, asked))
        script = tuple(map(_plain_typescript, asked))
    return (
        SnippetGroup(heading="curl", snippets=tuple(map(_curl, asked))),
        SnippetGroup(heading="Python", snippets=python),
        SnippetGroup(heading="TypeScript", snippets=script),
    )


def model_snippets(model: str, specs: Sequence[EndpointSpec], *, is_public: bool) -> tuple[SnippetGroup, ...]:
    """Programs that let the scores choose among the model's endpoints."""
    groups = [SnippetGroup(heading="This monitor's ranking", snippets=(_route_curl(model), _route_python(model)))]
    spoken = [spec.endpoint for spec in specs if spec.endpoint.api == OPENAI]
    if spoken:
        litellm = _litellm(model, spoken, left_out=len(specs) - len(spoken), is_public=is_public)
        groups.insert(0, SnippetGroup(heading="LiteLLM", snippets=(litellm,)))
    return tuple(groups)


def _title(*, streams: bool) -> str:
    return "Stream" if streams else "Whole answer"


def _curl(request: SampleRequest) -> Snippet:
    headers = [f"-H {_shell((f'{name}: ', *value))}" for name, value in request.headers.items()]
    lines = [
        f"curl {'-N ' if request.streams else ''}{_shell(request.url)}",
        *headers,
        f"-d {_quoted(_json(request.body))}",
    ]
    return Snippet(title=_title(streams=request.streams), language="bash", needs="curl", code=" \\\n  ".join(lines))


def _openai_python(endpoint: Endpoint, *, streams: bool, is_public: bool) -> Snippet:
    body = _arguments_python({"model": endpoint.model, **_STREAMED[streams]})
    code = (
        f"import os\n\nfrom openai import OpenAI\n\n{_client_python(endpoint, is_public=is_public)}\n"
        f"answer = client.chat.completions.create(\n{body})\n"
    )
    code += _PRINT_STREAM if streams else "print(answer.choices[0].message.content)"
    return Snippet(title=_title(streams=streams), language="python", needs="pip install openai", code=code)


_STREAMED: Final[Mapping[bool, Mapping[str, Any]]] = {
    False: {"messages": [{"role": "user", "content": QUESTION}]},
    True: {"messages": [{"role": "user", "content": QUESTION}], "stream": True},
}
_PRINT_STREAM: Final = """for chunk in answer:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
print()"""


def _client_python(endpoint: Endpoint, *, is_public: bool) -> str:
    given = [
        ("base_url", _python(base_url(endpoint, is_public=is_public))),
        ("api_key", '"none"' if endpoint.api_key is None else _python((Variable(key_variable(endpoint)),))),
    ]
    headers = extra_headers(endpoint)
    if headers:
        pairs = ", ".join(f"{_python((name,))}: {_python(value)}" for name, value in headers.items())
        given.append(("default_headers", f"{{{pairs}}}"))
    return f"client = OpenAI(\n{''.join(f'    {name}={value},{_LINE}' for name, value in given)})"


_LINE: Final = "\n"


def _openai_typescript(endpoint: Endpoint, *, streams: bool, is_public: bool) -> Snippet:
    given = [
        ("baseURL", _typescript(base_url(endpoint, is_public=is_public))),
        ("apiKey", '"none"' if endpoint.api_key is None else _typescript((Variable(key_variable(endpoint)),))),
    ]
    headers = extra_headers(endpoint)
    if headers:
        pairs = ", ".join(f"{_json(name)}: {_typescript(value)}" for name, value in headers.items())
        given.append(("defaultHeaders", f"{{ {pairs} }}"))
    client = "".join(f"  {name}: {value},\n" for name, value in given)
    body = {"model": endpoint.model, **_STREAMED[streams]}
    fields = "".join(f"  {name}: {_json(value)},\n" for name, value in body.items())
    code = (
        f'import OpenAI from "openai";\n\nconst client = new OpenAI({{\n{client}}});\n'
        f"const answer = await client.chat.completions.create({{\n{fields}}});\n"
    )
    code += _WRITE_STREAM if streams else "console.log(answer.choices[0].message.content);"
    return Snippet(title=_title(streams=streams), language="typescript", needs="npm install openai", code=code)


_WRITE_STREAM: Final = """for await (const chunk of answer) {
  for (const choice of chunk.choices) process.stdout.write(choice.delta.content ?? "");
}
console.log();"""


def _plain_python(request: SampleRequest) -> Snippet:
    headers = "".join(f"        {_python((name,))}: {_python(value)},\n" for name, value in request.headers.items())
    code = (
        "import json\nimport os\nimport urllib.request\n\n"
        f"question = {_literal(request.body)}\n"
        f"request = urllib.request.Request(\n    {_python(request.url)},\n"
        f"    data=json.dumps(question).encode(),\n    headers={{\n{headers}    }},\n)\n"
        "with urllib.request.urlopen(request) as answer:\n"
    )
    if request.streams:
        code += '    for line in answer:\n        print(line.decode(), end="", flush=True)'
    else:
        code += "    print(json.dumps(json.load(answer), indent=2))"
    return Snippet(title=_title(streams=request.streams), language="python", needs="", code=code)


def _plain_typescript(request: SampleRequest) -> Snippet:
    headers = "".join(f"    {_json(name)}: {_typescript(value)},\n" for name, value in request.headers.items())
    body = _json(request.body, indent=2).replace("\n", "\n  ")
    code = (
        f'const answer = await fetch({_typescript(request.url)}, {{\n  method: "POST",\n'
        f"  headers: {{\n{headers}  }},\n  body: JSON.stringify({body}),\n}});\n"
    )
    if request.streams:
        code += (
            "for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) process.stdout.write(text);"
        )
    else:
        code += "console.log(JSON.stringify(await answer.json(), null, 2));"
    return Snippet(title=_title(streams=request.streams), language="typescript", needs="Node.js 20 or newer", code=code)


def _route_curl(model: str) -> Snippet:
    lines = (
        f"curl {_shell((_ROUTER, '/v1/route'))}",
        f"-H {_shell(('Authorization: Bearer ', _TOKEN))}",
        f"-H {_quoted('Content-Type: application/json')}",
        f"-d {_quoted(_json({'model': model}))}",
    )
    return Snippet(title="Best endpoint first", language="bash", needs="curl", code=" \\\n  ".join(lines))


def _route_python(model: str) -> Snippet:
    code = f"""import json
import os
import urllib.request

request = urllib.request.Request(
    {_python((_ROUTER, "/v1/route"))},
    data=json.dumps({{"model": {_literal(model)}}}).encode(),
    headers={{
        "Content-Type": "application/json",
        "Authorization": f"Bearer {{os.environ.get('{_TOKEN.name}', '')}}",
    }},
)
with urllib.request.urlopen(request) as answer:
    for endpoint in json.load(answer)["endpoints"]:
        print(endpoint["id"], endpoint["reason"])"""
    return Snippet(title="Best endpoint first", language="python", needs="", code=code)


def _litellm(model: str, endpoints: Sequence[Endpoint], *, left_out: int, is_public: bool) -> Snippet:
    deployments = "".join(_deployment(model, endpoint, is_public=is_public) for endpoint in endpoints)
    note = f"    # {left_out} more with other APIs: see LiteLLM's names of their providers\n" if left_out else ""
    code = f"""import asyncio
import os

import litellm
from monitor.integrations.litellm import Providerwatch

litellm.callbacks = [Providerwatch({_python((_ROUTER,))}, token=os.environ.get("{_TOKEN.name}"))]
deployments = [
{deployments}{note}]


async def main():
    router = litellm.Router(model_list=deployments)
    answer = await router.acompletion({_literal(model)}, messages={_literal(_STREAMED[False]["messages"])})
    print(answer.choices[0].message.content)


asyncio.run(main())"""
    needs = "LiteLLM with Providerwatch in its environment"
    return Snippet(title="Router with our plug-in", language="python", needs=needs, code=code)


def _deployment(model: str, endpoint: Endpoint, *, is_public: bool) -> str:
    params = ", ".join(f'"{name}": {value}' for name, value in _params(endpoint, is_public=is_public))
    return (
        f'    {{\n        "model_name": {_literal(model)},\n        "litellm_params": {{{params}}},\n'
        f'        "model_info": {{"id": {_literal(endpoint.id)}, "providerwatch": {_literal(endpoint.id)}}},\n    }},\n'
    )


def _params(endpoint: Endpoint, *, is_public: bool) -> Iterator[tuple[str, str]]:
    yield "model", _literal(f"openai/{endpoint.model}")
    yield "api_base", _python(base_url(endpoint, is_public=is_public))
    yield "api_key", '"none"' if endpoint.api_key is None else _python((Variable(key_variable(endpoint)),))
    headers = extra_headers(endpoint)
    if headers:
        yield (
            "extra_headers",
            f"{{{', '.join(f'{_literal(name)}: {_python(value)}' for name, value in headers.items())}}}",
        )


def _arguments_python(body: Mapping[str, Any]) -> str:
    return "".join(f"    {name}={_literal(value)},\n" for name, value in body.items())


def _literal(value: object) -> str:
    """A value as Python writes it; a text in double quotes, as JSON has it, where both languages read it alike."""
    if isinstance(value, str):
        return _json(value) if value.isprintable() else ascii(value)
    return pformat(value, width=_WIDTH, sort_dicts=False)


def _json(value: object, indent: int | None = None) -> str:
    """JSON; in ASCII if it has characters that a page would not show as they are."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text if text.replace("\n", "").isprintable() else json.dumps(value, indent=indent)


def _python(parts: Sequence[Part]) -> str:
    """An expression for a text with variables."""
    return " + ".join(f'os.environ["{part.name}"]' if isinstance(part, Variable) else _literal(part) for part in parts)


def _typescript(parts: Sequence[Part]) -> str:
    """An expression for a text with variables."""
    return " + ".join(f"process.env.{part.name}!" if isinstance(part, Variable) else _json(part) for part in parts)


def _shell(parts: Sequence[Part]) -> str:
    """A word for a POSIX shell: in double quotes if it has variables."""
    if not any(isinstance(part, Variable) for part in parts):
        return _quoted("".join(str(part) for part in parts))
    inside = "".join(f"${{{part.name}}}" if isinstance(part, Variable) else _in_double_quotes(part) for part in parts)
    return f'"{inside}"'


def _in_double_quotes(text: str) -> str:
    for special in '\\"$`':
        text = text.replace(special, f"\\{special}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
