; The installer of the two programs that run beside a MetaTrader 5 terminal, for Inno Setup 6; scripts\build.ps1 -Installer calls it.
; For one user, without administrator's rights. Configuration and journals are in the user's own folder and stay when it is removed.

#define Version GetEnv("COPYDESK_VERSION")
#if Version == ""
  #define Version "0.1.0"
#endif

[Setup]
AppId={{8E0E9B0C-6E0D-4A57-9C43-5D0F2A6B7C11}
AppName=copydesk for MetaTrader 5
AppVersion={#Version}
AppPublisher=The copydesk authors
LicenseFile=..\LICENSE
DefaultDirName={autopf}\copydesk
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
OutputDir=..\dist\executables
OutputBaseFilename=copydesk-terminal-setup
Compression=lzma2
SolidCompression=yes
WizardStyle=modern

[Files]
Source: "..\dist\executables\copydesk-master.exe"; DestDir: "{app}"; Flags: ignoreversion
Source: "..\dist\executables\copydesk-copier.exe"; DestDir: "{app}"; Flags: ignoreversion skipifsourcedoesntexist
Source: "..\dist\executables\SHA256SUMS"; DestDir: "{app}"; Flags: ignoreversion
Source: "..\LICENSE"; DestDir: "{app}"; Flags: ignoreversion
Source: "..\copydesk.toml.example"; DestDir: "{app}"; Flags: ignoreversion

[Icons]
Name: "{autoprograms}\copydesk Master Sender"; Filename: "{app}\copydesk-master.exe"; Check: Exists('copydesk-master.exe')
Name: "{autoprograms}\copydesk Client Copier"; Filename: "{app}\copydesk-copier.exe"; Check: Exists('copydesk-copier.exe')

[Code]
function Exists(Name: String): Boolean;
begin
  Result := FileExists(ExpandConstant('{app}\') + Name);
end;
