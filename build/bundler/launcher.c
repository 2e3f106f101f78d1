/* python.exe and pythonw.exe: they are in no package, and do no more than this. */
#include <windows.h>

typedef int (*Main)(int, wchar_t **);

static int run(void)
{
    HMODULE library = LoadLibraryW(PYTHON);
    Main python = library ? (Main)(void *)GetProcAddress(library, "Py_Main") : NULL;
    return python ? python(__argc, __wargv) : 101;
}

#ifdef WINDOWED
int WINAPI wWinMain(HINSTANCE instance, HINSTANCE none, LPWSTR line, int show) { return run(); }
#else
int wmain(void) { return run(); }
#endif
