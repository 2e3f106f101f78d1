"""The volumes and files of a module's target."""

from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.spec.labels import MODULE
from aiserver_tray.spec.mounts import with_image_volumes

from .made import HEAD, SECRET, TargetOf


def test_volumes_without_a_name_get_one_each(target_of: TargetOf) -> None:
    target = target_of(
        "services: {a: {image: i, volumes: [/a/b, /a-b]}, b: {image: i, volumes: [/a/b]}}"
    )
    names = [name for s in target.services for name in s.volumes]
    assert len(set(names)) == 3
    assert all(name.startswith(("ai-m-a-a-b-", "ai-m-b-a-b-")) for name in names)
    assert {v.name for v in target.volumes} == set(names)
    assert all(v.body["Labels"]["io.aiserver.module"] == "m" for v in target.volumes)


def test_declared_volume_of_an_image_gets_a_named_volume(target_of: TargetOf) -> None:
    text = f"""{HEAD}
services:
  web:
    image: web:1
    volumes: ["data:/data/", 'C:\\work:/work', "/a/b"]
    tmpfs: /tmp
volumes: {{data: {{}}}}
"""
    (web,) = target_of(text).services
    declared = ("/data", "/work", "/tmp", "/a/b", "/shared", "/var/lib/web/", "/cache")
    body, volumes = with_image_volumes(web, declared, ["/shared"], {"keep": "it"})
    mounts = {mount["Target"]: mount["Source"] for mount in body["HostConfig"]["Mounts"]}
    new = {mounts["/var/lib/web"], mounts["/cache"]}
    assert {volume.name for volume in volumes} == new
    assert mounts.keys() == {"/data", "/a/b", "/var/lib/web", "/cache"}
    for volume in volumes:
        assert volume.body["Labels"].items() >= {MODULE: "m", "keep": "it"}.items()


def test_files_of_a_read_only_service_go_to_volumes_at_their_folders(target_of: TargetOf) -> None:
    target = target_of("""
services:
  a:
    image: i
    read_only: true
    configs:
      - {source: c, target: /etc/a/one}
      - {source: c, target: /etc/a/two}
      - {source: c, target: /data/c}
    secrets: [s]
    volumes: [data:/data]
configs: {c: {content: x}}
secrets: {s: {file: ./web.conf}}
volumes: {data: }
""")
    (a,) = target.services
    mounts = {m["Target"]: m["Source"] for m in a.body["HostConfig"]["Mounts"]}
    assert mounts == {
        "/data": "ai-m-data",
        "/etc/a": "ai-m-a-config",
        "/run/secrets": "ai-m-a-config-2",
    }
    assert a.volumes == ("ai-m-data",)
    assert a.config_volumes == ("ai-m-a-config", "ai-m-a-config-2")
    assert {v.name for v in target.volumes} == {*a.volumes, *a.config_volumes}


def test_files_have_content_owner_and_mode(target_of: TargetOf, tmp_path: Path) -> None:
    folder = tmp_path / "catalog/m/folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/script").write_text("run", encoding="utf-8")
    (folder / "sub/script").chmod(0o700)
    # Not every system can mark a file as executable.
    mode = 0o444 | (folder / "sub/script").stat().st_mode & 0o111
    target = target_of(f"""{HEAD}
services:
  a:
    image: i
    configs:
      - {{source: text, target: /etc/text, uid: "7", gid: "8", mode: 0400}}
      - {{source: folder, target: /etc/folder}}
      - {{source: variable, target: relative}}
    secrets: [plain, {{source: plain, target: renamed}}]
configs:
  text: {{content: "price=$$5\\r\\n"}}
  folder: {{file: ./folder}}
  variable: {{environment: KEY}}
secrets: {{plain: {{file: ./web.conf}}}}
""")
    found = {f.path: (f.content, f.uid, f.gid, f.mode) for f in target.services[0].files}
    assert found == {
        "/etc/text": (b"price=$5\r\n", 7, 8, 0o400),
        "/etc/folder/sub/script": (b"run", 0, 0, mode),
        "/relative": (SECRET.encode(), 0, 0, 0o444),
        "/run/secrets/plain": (b"content", 0, 0, 0o444),
        "/run/secrets/renamed": (b"content", 0, 0, 0o444),
    }


def test_a_folder_with_too_many_files_is_refused(
    target_of: TargetOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiserver_tray.spec.files.MAX_FILES", 4)
    folder = tmp_path / "catalog/m/folder"
    folder.mkdir(parents=True)
    for name in "abc":
        (folder / name).touch()
    text = "services: {a: {image: i, configs: [c]}}\nconfigs: {c: {file: ./folder}}\n"
    assert len(target_of(text).services[0].files) == 3
    more = text.replace("}}\nconfigs", "}, b: {image: i, configs: [c]}}\nconfigs")
    with pytest.raises(CatalogError, match=r"compose.yaml:2: configs\.c: .*folder.* 4 files"):
        target_of(more)


@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_files_that_are_too_big_together_are_refused(
    target_of: TargetOf, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "catalog/m/folder"
    folder.mkdir(parents=True)
    for name in "abcde":
        with (folder / name).open("wb") as file:
            file.truncate(15 * 2**20)
    text = f"services: {{a: {{image: i, {kind}: [c]}}}}\n{kind}: {{c: {{file: ./folder}}}}\n"
    with pytest.raises(CatalogError, match=rf"compose.yaml:2: {kind}\.c: .*folder.e.* 64 MiB"):
        target_of(text)


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("C:\\Users\\Ada\\files", "/mnt/c/Users/Ada/files"),
        ("d:/files", "/mnt/d/files"),
        ("\\\\wsl.localhost\\Debian\\srv\\files", "/srv/files"),
        ("/srv/files", "/srv/files"),
        ("\\\\wsl$\\Ubuntu\\srv", None),
        ("\\\\server\\share\\files", None),
    ],
)
def test_a_path_of_windows_is_mounted_in_wsl_as_the_engine_there_sees_it(
    target_of: TargetOf, path: str, there: str | None
) -> None:
    mount = f"{{type: bind, source: '{path}', target: /files}}"
    text = f"services: {{a: {{image: i, volumes: [{mount}]}}}}"
    if there is None:
        with pytest.raises(CatalogError, match="does not see"):
            target_of(text, host="wsl://Debian")
        return
    (service,) = target_of(text, host="wsl://Debian").services
    (found,) = service.body["HostConfig"]["Mounts"]
    assert found["Source"] == there


@pytest.mark.parametrize("path", ["./files", "../files", "~/files", "C:\\files"])
def test_a_path_of_this_computer_is_refused_for_an_engine_on_another_one(
    target_of: TargetOf, path: str
) -> None:
    text = f"services: {{a: {{image: i, volumes: ['{path}:/files', '/srv/there:/there']}}}}"
    with pytest.raises(CatalogError, match="on another computer") as refused:
        target_of(text, host="ssh://ada@server")
    (problem,) = refused.value.problems
    assert problem.place.key == "services.a.volumes"
    target_of(text)
    device = "{driver_opts: {type: none, o: 'bind,ro', device: 'C:/files'}}"
    text = f"services: {{a: {{image: i, volumes: ['data:/files']}}}}\nvolumes: {{data: {device}}}"
    with pytest.raises(CatalogError, match="C:/files"):
        target_of(text, host="ssh://ada@server")
