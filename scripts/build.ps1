# copydesk-master.exe and copydesk-copier.exe on Windows, with the real MetaTrader5 package inside, and their SHA-256.
# In PowerShell, in the checkout:  powershell -ExecutionPolicy Bypass -File scripts\build.ps1
# With -Installer also dist\executables\copydesk-terminal-setup.exe (needs Inno Setup 6: winget install JRSoftware.InnoSetup).
param([switch]$Installer)

$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '..')

function Invoke-Step([string]$What, [scriptblock]$Step) {
    Write-Host "== $What"
    & $Step
    if ($LASTEXITCODE -ne 0) { throw "$What failed with exit code $LASTEXITCODE" }
}

if (-not (Test-Path '.venv\Scripts\python.exe')) {
    Invoke-Step 'making .venv' { py -3 -m venv .venv }
}
$python = '.venv\Scripts\python.exe'
Invoke-Step 'installing from the lock' { & $python -m pip install --quiet --require-hashes -r requirements.lock }
Invoke-Step 'installing copydesk' { & $python -m pip install --quiet --no-deps --no-build-isolation -e . }
Invoke-Step 'building' { & $python scripts\executables.py }

if ($Installer) {
    $compiler = @(
        "${env:ProgramFiles(x86)}\Inno Setup 6\ISCC.exe",
        "$env:LOCALAPPDATA\Programs\Inno Setup 6\ISCC.exe"
    ) | Where-Object { Test-Path $_ } | Select-Object -First 1
    if (-not $compiler) { throw 'Inno Setup 6 is not here: winget install JRSoftware.InnoSetup' }
    Invoke-Step 'making the installer' { & $compiler /Qp packaging\copydesk-terminal.iss }
}
