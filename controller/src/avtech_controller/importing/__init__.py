"""Imports from other signage systems: read a list, decide what becomes of each asset, write resources that say the same."""

from avtech_controller.importing._apply import new_files, outcome, write_files
from avtech_controller.importing._assets import Asset, AssetListError, Window, read_assets
from avtech_controller.importing._clips import Sorted, sort_assets
from avtech_controller.importing._fates import Carried, Omission, Reason, judge
from avtech_controller.importing._files import find_list
from avtech_controller.importing._place import Place, clients_with, find_place
from avtech_controller.importing._programme import Programme, arrange
from avtech_controller.importing._report import Report, report_json, report_markdown, report_text
from avtech_controller.importing._resources import Files, entry_files, recognised, resource_files

__all__ = [
    "Asset",
    "AssetListError",
    "Carried",
    "Files",
    "Omission",
    "Place",
    "Programme",
    "Reason",
    "Report",
    "Sorted",
    "Window",
    "arrange",
    "clients_with",
    "entry_files",
    "find_list",
    "find_place",
    "judge",
    "new_files",
    "outcome",
    "read_assets",
    "recognised",
    "report_json",
    "report_markdown",
    "report_text",
    "resource_files",
    "sort_assets",
    "write_files",
]
