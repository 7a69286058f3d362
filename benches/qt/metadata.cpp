// The peer of the bench `inspection`: a process that reads the metadata of all plugins below a folder with Qt's own
// QPluginLoader, which loads none of them for that.
//
//   metadata FOLDER         one pass
//   metadata FOLDER serve   as many passes as each line of the input says; then their nanoseconds and the plugins of one
//
// With an empty FOLDER nothing is read: what is left is the start of such a process.

#include <QCoreApplication>
#include <QDirIterator>
#include <QJsonObject>
#include <QPluginLoader>

#include <chrono>
#include <cstdio>
#include <cstdlib>

static int pass(const QString &folder)
{
    int plugins = 0;
    if (folder.isEmpty())
        return plugins;
    QDirIterator files(folder, {QStringLiteral("*.so")}, QDir::Files, QDirIterator::Subdirectories);
    while (files.hasNext()) {
        // Its destructor lets go of the metadata, so that the next pass reads them anew.
        QPluginLoader loader(files.next());
        if (!loader.metaData().isEmpty())
            ++plugins;
    }
    return plugins;
}

int main(int argc, char **argv)
{
    const QString folder = argc > 1 ? QString::fromLocal8Bit(argv[1]) : QString();
    if (argc < 3) {
        std::printf("%d\n", pass(folder));
        return 0;
    }
    char line[16];
    while (std::fgets(line, sizeof line, stdin)) {
        const auto start = std::chrono::steady_clock::now();
        int plugins = 0;
        for (int passes = std::atoi(line); passes > 0; --passes)
            plugins = pass(folder);
        const auto end = std::chrono::steady_clock::now();
        const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(end - start);
        std::printf("%lld %d\n", static_cast<long long>(time.count()), plugins);
        std::fflush(stdout);
    }
}
