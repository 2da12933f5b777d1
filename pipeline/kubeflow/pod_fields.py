"""Fields of a step's pod that not every kfp-kubernetes (1.0 to 2.17) has a function for.

kfp writes a task's `platform_config` into the compiled pipeline as it is, in the notation of
`kubernetes_executor_config.proto`. Servers refuse a run with a field that they do not know. All from 2.5 on know those
that are set here, except `securityContext`, which came with 2.16.
"""

from typing import Any

from schemas.settings import KubeflowSettings
from schemas.settings.kubeflow import Resources


def complete(task: Any, kubeflow: KubeflowSettings, resources: Resources) -> None:
    """Adds security context, image pull secrets and tolerations; to be called last, after kfp-kubernetes' functions.

    Args:
      task: a `PipelineTask` of kfp.
      kubeflow: whether the step runs as a user other than root, and the secrets of its image.
      resources: its tolerations.
    """
    fields: dict[str, Any] = {
        # The server itself sets all else that pod security "restricted" asks of a pod.
        "securityContext": {"runAsNonRoot": True} if kubeflow.run_as_non_root else {},
        "imagePullSecret": [{"secretName": name} for name in kubeflow.image_pull_secrets],
        "tolerations": [toleration.model_dump(exclude_defaults=True) for toleration in resources.tolerations],
    }
    pod = task.platform_config.setdefault("kubernetes", {})
    pod.update({field: value for field, value in fields.items() if value})
    for secret in pod.get("secretAsEnv", []):
        # Newer kfp-kubernetes write the default, in a field that servers before 2.16 do not know.
        secret.pop("optional", None)
