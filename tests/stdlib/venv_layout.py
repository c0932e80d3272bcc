"""A virtual environment: its files, what its interpreter says of itself, console scripts, zipapp."""
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipapp
from importlib import resources

SAY = """
import os, site, sys, sysconfig
print(sys.prefix == os.environ["ENV"], sys.exec_prefix == sys.prefix, sys.base_prefix == os.environ["BASE"])
print(os.path.relpath(sys.executable, sys.prefix))
print([os.path.relpath(path, sys.prefix) for path in site.getsitepackages()][0])
print(site.ENABLE_USER_SITE, sys._home is not None)
for name in "purelib", "platlib", "scripts", "data":
    print(name, os.path.relpath(sysconfig.get_path(name), sys.prefix))
print(sysconfig.get_path("stdlib") == os.path.join(sys.base_prefix, "lib", "python3.14"))
import greet
print(greet.__file__ == os.path.join(sysconfig.get_path("purelib"), "greet.py"))
from importlib import metadata
print(metadata.version("greet"), [e.load()() for e in metadata.entry_points(group="console_scripts", name="greet")])
"""

with tempfile.TemporaryDirectory() as directory:
    directory = os.path.realpath(directory)
    env = os.path.join(directory, "env")
    venv.create(env, symlinks=True)
    print(sorted(name for name in os.listdir(os.path.join(env, "bin")) if "ctivate" in name or name in ("python", "python3")))
    configuration = dict(line.rstrip("\n").split(" = ") for line in open(os.path.join(env, "pyvenv.cfg")))
    print(sorted(configuration), configuration["include-system-site-packages"])
    packages = os.path.join(env, "lib", "python3.14", "site-packages")
    print(os.path.isdir(packages))
    with open(os.path.join(packages, "greet.py"), "w") as file:
        file.write("def main():\n    return 'hello'\n")
    info = os.path.join(packages, "greet-1.5.dist-info")
    os.mkdir(info)
    with open(os.path.join(info, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\nName: greet\nVersion: 1.5\n")
    with open(os.path.join(info, "entry_points.txt"), "w") as file:
        file.write("[console_scripts]\ngreet = greet:main\n")
    environment = dict(os.environ, ENV=env, BASE=sys.base_prefix)
    python = os.path.join(env, "bin", "python")
    subprocess.run([python, "-c", SAY], env=environment, check=True)
    shell = f". {env}/bin/activate && python -c 'import sys; print(sys.prefix == \"{env}\")' && deactivate && echo ${{VIRTUAL_ENV:-none}}"
    subprocess.run(["sh", "-c", shell], check=True)
    script = os.path.join(env, "bin", "say")
    with open(script, "w") as file:
        file.write(f"#!{python}\nimport sys, greet\nprint(greet.main(), sys.argv[1:])\n")
    os.chmod(script, 0o755)
    subprocess.run([script, "a", "b"], check=True)
    app = os.path.join(directory, "app")
    os.mkdir(app)
    with open(os.path.join(app, "tool.py"), "w") as file:
        file.write("def run():\n    print('zipped', __name__)\n")
    archive = os.path.join(directory, "app.pyz")
    zipapp.create_archive(app, archive, interpreter=python, main="tool:run", compressed=True)
    subprocess.run([archive], check=True)

# Files of the library can be read as resources and as files.
with resources.as_file(resources.files("venv") / "scripts" / "posix" / "activate.csh") as path:
    print(path.name, os.path.getsize(path) > 100, "deactivate" in path.read_text())
print(sysconfig.get_default_scheme() in sysconfig.get_scheme_names(), sysconfig.get_python_version())
