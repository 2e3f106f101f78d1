; The installer for Windows: for one user, without administrator rights. build/README.md lists its
; options and exit codes. makensis gets these definitions:
;   VERSION, NUMBERS (four, of the version), BUNDLE (folder with the programs), ICON, PICTURE (of
;   the last page), OUT (the installer), APP_ID,
;   SIGN (optional: a command that signs a file), FAST (optional: large, but quickly made, for tests)

; 64-bit Wine can't start a 32-bit installer, and NSIS for Windows can make no other.
!if /FileExists "${NSISDIR}\Stubs\lzma_solid-amd64-unicode"
  Target amd64-unicode
!else
  Target x86-unicode
!endif
ManifestDPIAware true
ManifestSupportedOS Win10
RequestExecutionLevel user
!ifdef FAST
  SetCompress off
!else
  SetCompressor /SOLID lzma
  SetCompressorDictSize 64 ; MB: the two programs share most of their content
!endif
SetDateSave off                                ; the same files make the same installer

!include MUI2.nsh
!include FileFunc.nsh
!include LogicLib.nsh
!include nsDialogs.nsh
!include Sections.nsh
!include WinVer.nsh
!include WordFunc.nsh
!include Win\COM.nsh
!include Win\Propkey.nsh

!define NAME "AI-Server Tray"
!define KEYS "Software\Microsoft\Windows\CurrentVersion\Uninstall"
!define KEY "${KEYS}\AIServerTray"
!define PATHS "Software\Microsoft\Windows\CurrentVersion\App Paths"
!define RUN "Software\Microsoft\Windows\CurrentVersion\Run"
!define APPROVED "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
!define ENTRY "aiserver-tray"                  ; the entry of the user's own home
!define WEBVIEW "Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"
!define WEBVIEW_PAGE "https://developer.microsoft.com/microsoft-edge/webview2/consumer/"
!define TIMEOUT 60000                          ; milliseconds for a command of the applet
!define /ifndef CLOSE_TRIES 40                 ; half seconds until the programs have ended

!define EXIT_IN_USE 3
!define EXIT_OLD_WINDOWS 4
!define EXIT_DOWN_FAILED 5
!define EXIT_NOT_COPIED 6

Name "${NAME}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\AIServerTray"
InstallDirRegKey HKCU "${KEY}" "InstallLocation"   ; an upgrade stays where it was
BrandingText "${NAME} ${VERSION}"
VIProductVersion "${NUMBERS}"
VIAddVersionKey /LANG=0 "ProductName" "${NAME}"
VIAddVersionKey /LANG=0 "FileDescription" "${NAME} setup"
VIAddVersionKey /LANG=0 "FileVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "ProductVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "CompanyName" "AI-Server Tray project"
VIAddVersionKey /LANG=0 "LegalCopyright" "MIT licence"
!ifdef SIGN
  !uninstfinalize '${SIGN} "%1"'
  !finalize '${SIGN} "%1"'
!endif

Var oldFolder              ; where the version before is
Var wasRunning             ; whether the applet of the user's own home was closed
Var isInUse                ; whether a program of ours still runs
Var wasAtLogin             ; whether it starts at login
Var withDown
Var withVolumes
Var withPurge
Var downBox
Var volumesBox
Var purgeBox

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${PICTURE}"
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_RUN "$INSTDIR\aiserver-trayw.exe"
!define MUI_COMPONENTSPAGE_NODESC
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
UninstPage custom un.askPage un.askLeave
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "SimpChinese"
!include "installer-english.nsh"
!include "installer-chinese.nsh"

; -- closing the applet ---------------------------------------------------------------------------

!macro Closing un
; Ask every tray to quit. They save their state, and containers keep running.
Function ${un}quitTrays
  ${IfNot} ${FileExists} "$INSTDIR\aiserver-tray.exe"
    Return
  ${EndIf}
  DetailPrint "$(Closing)"
  nsExec::Exec /TIMEOUT=${TIMEOUT} '"$INSTDIR\aiserver-tray.exe" quit'
  Pop $0
  ${If} $0 == 0
    StrCpy $wasRunning 1
  ${EndIf}
  nsExec::Exec /TIMEOUT=${TIMEOUT} '"$INSTDIR\aiserver-tray.exe" quit --all'
  Pop $0
FunctionEnd

; Wait until no process uses the program $R0. $isInUse says whether that was in vain.
Function ${un}awaitEnd
  StrCpy $R1 0
  StrCpy $isInUse 0
  ${If} ${FileExists} "$R0"
    ${Do}
      ClearErrors
      FileOpen $R2 "$R0" a                     ; refused while it runs
      ${IfNot} ${Errors}
        FileClose $R2
        Return
      ${EndIf}
      IntOp $R1 $R1 + 1
      Sleep 500
    ${LoopUntil} $R1 > ${CLOSE_TRIES}
    StrCpy $isInUse 1
  ${EndIf}
FunctionEnd

; Nothing is changed while a program of ours runs: half an upgrade would be worse than none.
Function ${un}closeOrRefuse
  again:
  Call ${un}quitTrays
  StrCpy $R0 "$INSTDIR\aiserver-trayw.exe"
  Call ${un}awaitEnd
  ${If} $isInUse == 0
    StrCpy $R0 "$INSTDIR\aiserver-tray.exe"
    Call ${un}awaitEnd
  ${EndIf}
  ${If} $isInUse == 0
  ${AndIf} ${FileExists} "$INSTDIR\_internal\*.*"
    RMDir /r "$INSTDIR\_internal.old"
    ClearErrors
    Rename "$INSTDIR\_internal" "$INSTDIR\_internal.old"   ; refused while a file in it is open
    ${If} ${Errors}
      StrCpy $isInUse 1
    ${EndIf}
  ${EndIf}
  ${If} $isInUse == 1
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(InUse)" /SD IDCANCEL IDRETRY again
    Call ${un}startAgain
    SetErrorLevel ${EXIT_IN_USE}
    Quit
  ${EndIf}
  RMDir /r "$INSTDIR\_internal.old"
FunctionEnd

; Start the applet that was closed, with the options that it has at login. It opens no window.
Function ${un}startAgain
  ${If} $wasRunning == 1
    SetOutPath "$PROFILE"                      ; a working folder can't be removed
    ReadRegStr $0 HKCU "${RUN}" "${ENTRY}"
    ${If} $0 == ""
      StrCpy $0 '"$INSTDIR\aiserver-trayw.exe" --at-login'
    ${EndIf}
    Exec $0
  ${EndIf}
FunctionEnd
!macroend
!insertmacro Closing ""
!insertmacro Closing "un."

; -- installing -----------------------------------------------------------------------------------

Section "${NAME}" program
  SectionIn RO
  Call closeOrRefuse
  Call removeOld
  SetOutPath "$INSTDIR"
  ClearErrors
  File /r "${BUNDLE}\*.*"                       ; NSIS for Windows splits paths at backslashes only
  ${If} ${Errors}
    MessageBox MB_OK|MB_ICONSTOP "$(NotCopied)" /SD IDOK
    SetErrorLevel ${EXIT_NOT_COPIED}
    Quit
  ${EndIf}
  WriteUninstaller "$INSTDIR\uninstall.exe"
  Call makeShortcut
  WriteRegStr HKCU "${KEY}" "DisplayName" "${NAME}"
  WriteRegStr HKCU "${KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${KEY}" "DisplayIcon" "$INSTDIR\aiserver-trayw.exe"
  WriteRegStr HKCU "${KEY}" "Publisher" "AI-Server Tray project"
  WriteRegStr HKCU "${KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${KEY}" "NoRepair" 1
  SectionGetSize ${program} $0
  WriteRegDWORD HKCU "${KEY}" "EstimatedSize" "$0"
  WriteRegStr HKCU "${PATHS}\aiserver-tray.exe" "" "$INSTDIR\aiserver-tray.exe"
SectionEnd

; There is one copy: another folder replaces the one before. Its trays quit like those of $INSTDIR,
; and start at login from here.
Function removeOld
  ${If} $oldFolder == ""
  ${OrIf} $oldFolder == $INSTDIR
    Return
  ${EndIf}
  Push $INSTDIR
  StrCpy $INSTDIR $oldFolder
  Call closeOrRefuse
  Delete "$INSTDIR\aiserver-tray.exe"
  Delete "$INSTDIR\aiserver-trayw.exe"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"                             ; only if nothing else is there
  Pop $INSTDIR
  StrCpy $0 0
  ${Do}
    EnumRegValue $1 HKCU "${RUN}" $0
    ${If} $1 == ""
      ${ExitDo}
    ${EndIf}
    StrCpy $2 $1 13
    ${If} $2 == "${ENTRY}"
      ReadRegStr $2 HKCU "${RUN}" $1
      ${WordReplace} "$2" "$oldFolder\" "$INSTDIR\" "+" $2
      WriteRegStr HKCU "${RUN}" $1 $2
    ${EndIf}
    IntOp $0 $0 + 1
  ${Loop}
FunctionEnd

Section /o "$(AtLogin)" atLogin
SectionEnd

Section "-finish"
  ${If} ${SectionIsSelected} ${atLogin}
    StrCpy $1 1
  ${Else}
    StrCpy $1 0
  ${EndIf}
  ${If} $1 != $wasAtLogin
    ${If} $1 == 1
      nsExec::Exec /TIMEOUT=${TIMEOUT} '"$INSTDIR\aiserver-tray.exe" autostart on'
    ${Else}
      nsExec::Exec /TIMEOUT=${TIMEOUT} '"$INSTDIR\aiserver-tray.exe" autostart off'
    ${EndIf}
    Pop $0
  ${EndIf}
  ${If} ${Silent}                              ; else the last page offers to start it
    Call startAgain
  ${Else}
    Call adviseWebView
  ${EndIf}
SectionEnd

Function .onInit
  ${IfNot} ${AtLeastWin10}
    MessageBox MB_OK|MB_ICONSTOP "$(OldWindows)" /SD IDOK
    SetErrorLevel ${EXIT_OLD_WINDOWS}
    Quit
  ${EndIf}
  ReadRegStr $oldFolder HKCU "${KEY}" "InstallLocation"
  StrCpy $wasAtLogin 0
  ReadRegStr $0 HKCU "${RUN}" "${ENTRY}"
  ${If} $0 != ""
    StrCpy $wasAtLogin 1
    !insertmacro SelectSection ${atLogin}
  ${EndIf}
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/AUTOSTART=" $1
  ${IfNot} ${Errors}
    ${If} $1 == 1
      !insertmacro SelectSection ${atLogin}
    ${Else}
      !insertmacro UnselectSection ${atLogin}
    ${EndIf}
  ${EndIf}
FunctionEnd

; The entry in the Start menu. Its application ID gives notifications our name and icon.
Function makeShortcut
  SetOutPath "$PROFILE"                        ; where the applet starts
  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\aiserver-trayw.exe"
  !insertmacro ComHlpr_CreateInProcInstance ${CLSID_ShellLink} ${IID_IShellLink} r0 ""
  ${If} $0 P<> 0
    ${IUnknown::QueryInterface} $0 '("${IID_IPersistFile}",.r1)'
    ${If} $1 P<> 0
      ${IPersistFile::Load} $1 '("$SMPROGRAMS\${NAME}.lnk",2)'
      ${IUnknown::QueryInterface} $0 '("${IID_IPropertyStore}",.r2)'
      ${If} $2 P<> 0
        System::Call 'shlwapi::SHStrDupW(w"${APP_ID}",*p.r5)'
        System::Call '*${SYSSTRUCT_PROPERTYKEY}(${PKEY_AppUserModel_ID})p.r3'
        System::Call '*${SYSSTRUCT_PROPVARIANT}(${VT_LPWSTR},,p$5)p.r4'
        ${IPropertyStore::SetValue} $2 '($3,$4)'
        ${IPropertyStore::Commit} $2 ""
        System::Call 'ole32::CoTaskMemFree(p$5)'
        System::Free $3
        System::Free $4
        ${IUnknown::Release} $2 ""
        ${IPersistFile::Save} $1 '("$SMPROGRAMS\${NAME}.lnk",1)'
      ${EndIf}
      ${IUnknown::Release} $1 ""
    ${EndIf}
    ${IUnknown::Release} $0 ""
  ${EndIf}
FunctionEnd

; Without WebView2 there are no windows, and the web browser shows the dashboard.
Function adviseWebView
  SetRegView 32
  ReadRegStr $0 HKLM "Software\${WEBVIEW}" "pv"
  SetRegView 64
  ${If} $0 == ""
    ReadRegStr $0 HKCU "Software\${WEBVIEW}" "pv"
  ${EndIf}
  ${If} $0 == ""
  ${OrIf} $0 == "0.0.0.0"
    MessageBox MB_YESNO|MB_ICONINFORMATION "$(NoWebView)" /SD IDNO IDNO +2
    ExecShell "open" "${WEBVIEW_PAGE}"
  ${EndIf}
FunctionEnd

; -- uninstalling ---------------------------------------------------------------------------------

Function un.onInit
  StrCpy $withDown 0
  StrCpy $withVolumes 0
  StrCpy $withPurge 0
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/DOWN" $1
  ${IfNot} ${Errors}
    StrCpy $withDown 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/VOLUMES" $1
  ${IfNot} ${Errors}
    StrCpy $withVolumes 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/PURGE" $1
  ${IfNot} ${Errors}
    StrCpy $withPurge 1
  ${EndIf}
FunctionEnd

Function un.askPage
  !insertmacro MUI_HEADER_TEXT "$(AskTitle)" "$(AskSubtitle)"
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateLabel} 0 0 100% 24u "$(AskText)"
  Pop $0
  ${NSD_CreateCheckbox} 0 32u 100% 12u "$(AskDown)"
  Pop $downBox
  ${NSD_CreateCheckbox} 0 52u 100% 12u "$(AskVolumes)"
  Pop $volumesBox
  ${NSD_CreateCheckbox} 0 72u 100% 12u "$(AskPurge)"
  Pop $purgeBox
  ${NSD_CreateLabel} 0 92u 100% 24u "$(AskNote)"
  Pop $0
  nsDialogs::Show
FunctionEnd

Function un.askLeave
  ${NSD_GetState} $downBox $withDown
  ${NSD_GetState} $volumesBox $withVolumes
  ${NSD_GetState} $purgeBox $withPurge
FunctionEnd

; Only what the user asked for. If it fails, nothing is uninstalled: the next try needs the program.
Function un.down
  StrCpy $0 ""
  ${If} $withVolumes == 1
    StrCpy $0 " --volumes --yes"
  ${ElseIf} $withDown == 0
    Return
  ${EndIf}
  DetailPrint "aiserver-tray down$0"
  nsExec::ExecToLog '"$INSTDIR\aiserver-tray.exe" down$0'
  Pop $0
  ${If} $0 != 0
    MessageBox MB_YESNO|MB_ICONEXCLAMATION "$(DownFailed)" /SD IDNO IDYES goOn
    SetErrorLevel ${EXIT_DOWN_FAILED}
    Quit
    goOn:
  ${EndIf}
FunctionEnd

Section "Uninstall"
  Call un.down
  Call un.closeOrRefuse
  Delete "$INSTDIR\aiserver-tray.exe"
  Delete "$INSTDIR\aiserver-trayw.exe"
  Delete "$INSTDIR\uninstall.exe"
  SetOutPath "$TEMP"
  RMDir "$INSTDIR"
  RMDir "$LOCALAPPDATA\Programs"               ; only if nothing else is there
  Delete "$SMPROGRAMS\${NAME}.lnk"
  StrCpy $3 "${RUN}"
  Call un.removeEntries
  StrCpy $3 "${APPROVED}"
  Call un.removeEntries
  DeleteRegKey HKCU "${KEY}"
  DeleteRegKey /ifempty HKCU "${KEYS}"
  DeleteRegKey HKCU "${PATHS}\aiserver-tray.exe"
  DeleteRegKey /ifempty HKCU "${PATHS}"
  RMDir /r "$TEMP\aiserver-tray"               ; locks
  ${If} $withPurge == 1
    RMDir /r "$LOCALAPPDATA\aiserver-tray"
    System::Call 'advapi32::CredDeleteW(w"aiserver-tray",i1,i0)'   ; the key of the secrets
  ${EndIf}
SectionEnd

; Delete the values of the key $3 that start a tray: each home has its own.
Function un.removeEntries
  StrCpy $0 0
  ${Do}
    EnumRegValue $1 HKCU "$3" $0
    ${If} $1 == ""
      ${ExitDo}
    ${EndIf}
    StrCpy $2 $1 13
    ${If} $2 == "${ENTRY}"
      DeleteRegValue HKCU "$3" $1
    ${Else}
      IntOp $0 $0 + 1
    ${EndIf}
  ${Loop}
FunctionEnd
