"""Reads the deployments from a configuration of LiteLLM's proxy. No key is copied."""

from monitor.config.litellm_file._file import PLUGIN, read_litellm
from monitor.config.litellm_file._values import Deployment, Found, LeftOut

__all__ = ["PLUGIN", "Deployment", "Found", "LeftOut", "read_litellm"]
