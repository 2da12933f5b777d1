"""The SDK's client (kfp 2.5 to 2.17), changed where it has no options.

All requests of the generated API classes go through the method `request` of one `rest_client`, which is replaced. The
SDK sets no time limit, and so waits forever. urllib3 repeats a request that failed, even one that starts a run. And the
constructor reads a namespace and cookies from `~/.config/kfp/context.json`, which the user did not name here.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import kfp


class SdkClient(kfp.Client):
    """A client whose requests all pass through `send`, once each, and that reads nothing from the home folder."""

    def __init__(self, **arguments: Any):
        """Takes the arguments of `kfp.Client`; sends no request."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that version 2 of the server is needed
            super().__init__(**arguments)
        rest_client = self._run_api.api_client.rest_client
        rest_client.pool_manager.connection_pool_kw["retries"] = False
        request = rest_client.request
        rest_client.request = lambda *positional, **named: self.send(partial(request, *positional, **named))

    def send(self, request: Callable[..., Any]) -> Any:
        """Sends a request.

        Args:
          request: sends it; takes `_request_timeout`, the most seconds until a connection stands and between two pieces
            of the answer.

        Returns:
          The response.
        """
        raise NotImplementedError

    def use_namespace(self, namespace: str | None) -> None:
        """Sets the namespace of requests that do not name one."""
        self._context_setting = {"namespace": namespace}

    def create_pipeline(self, body: Any) -> Any:
        """Creates an empty pipeline; the SDK itself can only create one together with its first version.

        Args:
          body: a `V2beta1Pipeline`.
        """
        api = self._pipelines_api
        # Its name since 2.17, and the one before.
        create = getattr(api, "pipeline_service_create_pipeline", None) or api.create_pipeline
        return create(body)

    def _load_context_setting_or_default(self) -> None:
        # Any namespace keeps the constructor from asking the server for one.
        self._context_setting = {"namespace": "not known yet"}
