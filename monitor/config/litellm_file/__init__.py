"""A configuration of LiteLLM's proxy, read for its deployments. No key in it is taken over."""

from monitor.config.litellm_file._file import PLUGIN, read_litellm
from monitor.config.litellm_file._values import Deployment, Found, LeftOut

__all__ = ["PLUGIN", "Deployment", "Found", "LeftOut", "read_litellm"]
