"""A composition as a DAWproject file: tempo, metre, and a lane a track with its stem, gain, balance and mute.

An open exchange format (https://github.com/bitwig/dawproject), version 1.0: a zip of project.xml,
metadata.xml and the audio files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from stemwright_platform.serving.schema import Lane
from stemwright_platform.serving.tables import Composition

FORMAT_VERSION = "1.0"
DEFAULT_TEMPO_BPM = 120.0
"""A program needs one where the music has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stem:
    """A lane of the project."""

    track: str
    path: str
    """Of its audio in the zip."""
    lane: Lane


def project_xml(composition: Composition, stems: Sequence[Stem], program_version: str) -> bytes:
    """project.xml; times are seconds from the start."""
    root = ElementTree.Element("Project", version=FORMAT_VERSION)
    _add(root, "Application", name="Stemwright", version=program_version)
    transport = _add(root, "Transport")
    tempo = composition.tempo_bpm or DEFAULT_TEMPO_BPM
    _add(transport, "Tempo", unit="bpm", value=f"{tempo:.6f}", id="tempo")
    _add(transport, "TimeSignature", numerator=str(composition.beats_per_bar), denominator="4", id="metre")
    structure = _add(root, "Structure")
    for stem in stems:
        _track(structure, stem)
    master = _add(structure, "Track", contentType="audio", loaded="true", id="master", name="Master")
    _add(master, "Channel", audioChannels="2", role="master", id="master-channel")
    lanes = _add(_add(root, "Arrangement", id="arrangement"), "Lanes", timeUnit="seconds", id="lanes")
    for stem in stems:
        _clip(lanes, stem, composition)
    return _document(root)


def metadata_xml(composition: Composition) -> bytes:
    """metadata.xml."""
    root = ElementTree.Element("MetaData")
    _add(root, "Title").text = composition.name or composition.prompt or "Composition"
    _add(root, "Comment").text = composition.prompt
    return _document(root)


def _track(structure: ElementTree.Element, stem: Stem) -> None:
    track = _add(structure, "Track", contentType="audio", loaded="true", id=stem.track, name=stem.track)
    channel = _add(
        track,
        "Channel",
        audioChannels="2",
        destination="master-channel",
        role="regular",
        id=f"{stem.track}-channel",
    )
    lane = stem.lane
    _add(channel, "Mute", value=str(lane.mute).lower(), id=f"{stem.track}-mute")
    pan = {"min": "0.0", "max": "1.0", "unit": "normalized", "value": f"{(lane.pan + 1) / 2:.6f}"}
    _add(channel, "Pan", **pan, id=f"{stem.track}-pan")
    volume = {"min": "0.0", "max": "4.0", "unit": "linear", "value": f"{10 ** (lane.gain_db / 20):.6f}"}
    _add(channel, "Volume", **volume, id=f"{stem.track}-volume")


def _clip(lanes: ElementTree.Element, stem: Stem, composition: Composition) -> None:
    duration = f"{composition.duration_s:.9f}"
    own = _add(lanes, "Lanes", track=stem.track, id=f"{stem.track}-lanes")
    clips = _add(own, "Clips", id=f"{stem.track}-clips")
    span = {"time": "0.0", "duration": duration, "contentTimeUnit": "seconds", "playStart": "0.0"}
    clip = _add(clips, "Clip", **span, name=stem.track)
    audio = _add(
        clip,
        "Audio",
        channels="2",
        duration=duration,
        sampleRate=str(composition.sample_rate_hz),
        id=f"{stem.track}-audio",
    )
    _add(audio, "File", path=stem.path)


def _add(parent: ElementTree.Element, tag: str, /, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _document(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
