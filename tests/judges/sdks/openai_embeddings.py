"""OpenAI's SDK on embeddings."""

from __future__ import annotations

import math
from typing import Any

from openai import OpenAI
from openai.types.embedding_create_params import EmbeddingCreateParams

from tests.judges.sdks.answering import Answer, Question, answer, answer_all
from tests.judges.sdks.typed import problems


def ask(question: Question) -> Answer:
    """One embedding; or what the SDK's types say against a request body."""
    if "body" in question:
        return {"problems": problems(question["body"], EmbeddingCreateParams)}
    client = OpenAI(base_url=question["base_url"], api_key=question["api_key"], max_retries=0)
    if question["task"] == "reach":
        return {"models": [model.id for model in client.models.list()]}
    # Without this option the SDK requests Base64 and decodes it by itself.
    packed = question["options"].get("encoding_format", "float") == "base64"
    encoding = {} if packed else {"encoding_format": "float"}
    told: Any = client.embeddings.create(model=question["model"], input=question["text"], **encoding)
    vector = told.data[0].embedding
    prompt = told.usage.prompt_tokens if told.usage else None
    return answer(
        usage=told.usage and {"prompt": prompt, "output": None, "reasoning": None, "cached": None},
        vector={"size": len(vector), "finite": all(map(math.isfinite, vector))},
    )


if __name__ == "__main__":
    answer_all(ask)
