"""The device's state, from the kernel's files: this machine's, a made-up one's, and where there are none."""

from pathlib import Path

from avtech_player.system import SystemProbe


def device(root: Path, *, stat: str = "cpu 10 0 10 60 20 0 0 0 0 0", temp: str = "48312") -> None:
    (root / "proc").mkdir(parents=True, exist_ok=True)
    zone = root / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True, exist_ok=True)
    (root / "proc/uptime").write_text("3600.55 7000.00\n")
    (root / "proc/stat").write_text(f"{stat}\ncpu0 1 2 3\n")
    (root / "proc/meminfo").write_text("MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable:    600 kB\n")
    (zone / "temp").write_text(f"{temp}\n")


def test_this_machine_has_an_uptime_and_memory() -> None:
    found = SystemProbe().read()
    assert found.uptime_s > 0
    assert 0 < found.memory_bp < 10_000
    assert 0 <= found.cpu_bp <= 10_000


def test_load_is_what_was_used_since_the_last_reading(tmp_path: Path) -> None:
    device(tmp_path)
    probe = SystemProbe(tmp_path)
    assert probe.read().cpu_bp == 0
    device(tmp_path, stat="cpu 20 0 20 130 30 0 0 0 0 0")
    found = probe.read()
    assert (found.uptime_s, found.cpu_bp, found.memory_bp, found.temperature_mc) == (3600, 2000, 4000, 48312)


def test_the_hottest_sensor_that_makes_sense_counts(tmp_path: Path) -> None:
    device(tmp_path, temp="-274000")
    assert SystemProbe(tmp_path).read().temperature_mc is None
    sensor = tmp_path / "sys/class/hwmon/hwmon0"
    sensor.mkdir(parents=True)
    (sensor / "temp1_input").write_text("51000")
    (sensor / "temp2_input").write_text("broken")
    assert SystemProbe(tmp_path).read().temperature_mc == 51000


def test_a_kernel_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    found = SystemProbe(tmp_path).read()
    assert (found.uptime_s, found.cpu_bp, found.memory_bp, found.temperature_mc) == (0, 0, 0, None)
    for name in ("uptime", "stat", "meminfo"):
        (tmp_path / "proc").mkdir(exist_ok=True)
        (tmp_path / "proc" / name).write_bytes(b"\xff\0nonsense: x\n")
    assert SystemProbe(tmp_path).read().uptime_s == 0
