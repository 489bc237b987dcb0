"""Kubernetes manifests: workloads, their containers, and charts' values."""

from __future__ import annotations

from tests.audit.repository import model

DEPLOYMENT = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      template:
        metadata:
          labels:
            app: web
        spec:
          initContainers:
            - image: busybox:1.36
              name: wait
          containers:
            - name: server
              image: shop/web:1.2
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web}
    spec:
      selector: {app: web}
    """


def test_a_workload_gives_its_containers_with_their_places() -> None:
    kubernetes = model({"deploy/web.yaml": DEPLOYMENT}).kubernetes

    assert [(it.kind, it.name, str(it.place)) for it in kubernetes.manifests] == [
        ("Deployment", "web", "deploy/web.yaml:2"),
        ("Service", "web", "deploy/web.yaml:19"),
    ]
    assert kubernetes.manifests[0].labels == {"app": "web"}
    assert [
        (it.name, it.image, str(it.place), str(it.image_place), it.is_init)
        for it in kubernetes.containers
    ] == [
        ("wait", "busybox:1.36", "deploy/web.yaml:13", "deploy/web.yaml:12", True),
        ("server", "shop/web:1.2", "deploy/web.yaml:15", "deploy/web.yaml:16", False),
    ]


def test_a_list_and_a_cron_job_are_looked_into() -> None:
    files = {
        "all.yml": """\
            apiVersion: v1
            kind: List
            items:
              - apiVersion: batch/v1
                kind: CronJob
                metadata: {name: nightly}
                spec:
                  jobTemplate:
                    spec:
                      template:
                        spec:
                          containers: [{name: run, image: "shop/job"}]
            """
    }

    (container,) = model(files).kubernetes.containers

    assert (container.name, container.kind, container.is_long_running) == ("run", "CronJob", False)


def test_templates_are_left_out_and_values_are_kept() -> None:
    kubernetes = model(
        {
            "chart/Chart.yaml": "name: web\n",
            "chart/templates/web.yaml": "apiVersion: v1\nkind: Pod\nspec: {{ .Values.x }}\n",
            "chart/values.yaml": "image:\n  tag: latest\n",
            "chart/values.prod.yaml": "replicas: 2\n",
            "values.yaml": "not: a chart\n",
        }
    ).kubernetes

    assert kubernetes.manifests == ()
    assert list(kubernetes.values) == ["chart/values.prod.yaml", "chart/values.yaml"]
    assert kubernetes.values["chart/values.yaml"].get("image", "tag").text == "latest"


def test_what_is_broken_is_said() -> None:
    broken = model({"web.yaml": "apiVersion: v1\nkind: Pod\nspec: [\n"})

    assert broken.kubernetes.manifests == ()
    assert [str(it.place) for it in broken.unread] == ["web.yaml:4"]
