<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name>Duration</name>
    <message>
        <source>%1 s</source>
        <translation>%1 秒</translation>
    </message>
    <message>
        <source>%1 min</source>
        <translation>%1 分钟</translation>
    </message>
    <message>
        <source>%1 h %2 min</source>
        <translation>%1 小时 %2 分钟</translation>
    </message>
</context>
<context>
    <name>Model</name>
    <message>
        <source>Blind denoising of colour and grey photographs</source>
        <translation>彩色和灰度照片的盲降噪</translation>
    </message>
    <message>
        <source>Denoise, fast</source>
        <translation>降噪，快速</translation>
    </message>
    <message>
        <source>Remove JPEG artefacts</source>
        <translation>去除 JPEG 压缩痕迹</translation>
    </message>
    <message>
        <source>Upscale x2</source>
        <translation>放大 2 倍</translation>
    </message>
    <message>
        <source>Upscale x3</source>
        <translation>放大 3 倍</translation>
    </message>
    <message>
        <source>Upscale x4</source>
        <translation>放大 4 倍</translation>
    </message>
</context>
<context>
    <name>Reason</name>
    <message>
        <source>picture &apos;%1&apos;: %2</source>
        <translation>图片“%1”：%2</translation>
    </message>
    <message>
        <source>folder &apos;%1&apos;: %2</source>
        <translation>文件夹“%1”：%2</translation>
    </message>
    <message>
        <source>model &apos;%1&apos;: %2</source>
        <translation>模型“%1”：%2</translation>
    </message>
    <message>
        <source>&apos;%1&apos;: %2</source>
        <translation>“%1”：%2</translation>
    </message>
    <message>
        <source>does not exist</source>
        <translation>不存在</translation>
    </message>
    <message>
        <source>is a folder</source>
        <translation>是文件夹</translation>
    </message>
    <message>
        <source>is not a file</source>
        <translation>不是文件</translation>
    </message>
    <message>
        <source>is empty</source>
        <translation>是空的</translation>
    </message>
    <message>
        <source>is truncated</source>
        <translation>文件不完整</translation>
    </message>
    <message>
        <source>has no pixels</source>
        <translation>没有像素</translation>
    </message>
    <message>
        <source>picture has no pixels</source>
        <translation>图片没有像素</translation>
    </message>
    <message>
        <source>is not a picture of a known format</source>
        <translation>不是已知格式的图片</translation>
    </message>
    <message>
        <source>is not PNG, JPEG, TIFF, WebP, AVIF, HEIC, JPEG XL or OpenEXR</source>
        <translation>格式不是 PNG、JPEG、TIFF、WebP、AVIF、HEIC、JPEG XL 或 OpenEXR</translation>
    </message>
    <message>
        <source>has %1 pages, expected one</source>
        <translation>有 %1 页，应为一页</translation>
    </message>
    <message>
        <source>has %1 channels, expected 1 to 4</source>
        <translation>有 %1 个通道，应为 1 至 4 个</translation>
    </message>
    <message>
        <source>has no channels R, G and B, nor a Y alone</source>
        <translation>既没有 R、G、B 通道，也没有单独的 Y 通道</translation>
    </message>
    <message>
        <source>channel %1 is subsampled</source>
        <translation>通道 %1 经过子采样</translation>
    </message>
    <message>
        <source>channel %1 holds integers, expected floats</source>
        <translation>通道 %1 为整数，应为浮点数</translation>
    </message>
    <message>
        <source>holds &apos;%1&apos;, expected scan lines or tiles</source>
        <translation>内容为“%1”，应为扫描线或图块</translation>
    </message>
    <message>
        <source>holds deep data, expected flat pixels</source>
        <translation>内容为深度数据，应为平面像素</translation>
    </message>
    <message>
        <source>has several parts, expected one</source>
        <translation>有多个部分，应为一个</translation>
    </message>
    <message>
        <source>picture has values in row %1 that are no numbers</source>
        <translation>图片第 %1 行含有非数值</translation>
    </message>
    <message>
        <source>does not fit into memory</source>
        <translation>内存不足</translation>
    </message>
    <message>
        <source>a picture of %1x%2 times %3 does not fit into memory</source>
        <translation>内存不足，无法将 %1×%2 的图片放大 %3 倍</translation>
    </message>
    <message>
        <source>a picture of %1x%2 does not fit into memory</source>
        <translation>内存不足，无法容纳 %1×%2 的图片</translation>
    </message>
    <message>
        <source>a tile of %1x%2 does not fit into memory</source>
        <translation>内存不足，无法容纳 %1×%2 的图块</translation>
    </message>
    <message>
        <source>a picture of %1x%2 is too large to look at while it is restored; the queue takes it</source>
        <translation>%1×%2 的图片过大，无法边修复边查看，请使用队列</translation>
    </message>
    <message>
        <source>takes %1 MiB as a whole, %2 are left, and %3; raise --max-memory</source>
        <translation>整张处理需要 %1 MiB，仅剩 %2 MiB，并且%3</translation>
    </message>
    <message>
        <source>enlarging goes by whole pictures</source>
        <translation>放大只能整张处理</translation>
    </message>
    <message>
        <source>this %1 file can be decoded only as a whole</source>
        <translation>此 %1 文件只能整张解码</translation>
    </message>
    <message>
        <source>%1 can be encoded only as a whole</source>
        <translation>%1 只能整张编码</translation>
    </message>
    <message>
        <source>a row of tiles of %1x%2 pixels takes %3 MiB, %4 are left; raise --max-memory</source>
        <translation>一行 %1×%2 像素的图块需要 %3 MiB，仅剩 %4 MiB</translation>
    </message>
    <message>
        <source>output &apos;%1&apos; exists and was not made by this program, or was changed since</source>
        <translation>输出“%1”已存在，且不是由本程序生成，或此后被修改过</translation>
    </message>
    <message>
        <source>output &apos;%1&apos; exists</source>
        <translation>输出“%1”已存在</translation>
    </message>
    <message>
        <source>output exists</source>
        <translation>输出已存在</translation>
    </message>
    <message>
        <source>a picture of %1x%2 does not fit into a %3 file, which holds %4 pixels a side</source>
        <translation>%1×%2 的图片无法存为 %3 文件，其边长最多 %4 像素</translation>
    </message>
    <message>
        <source>%1 can be read, not written; choose another with --format</source>
        <translation>%1 只能读取，不能写入；请选择其他格式</translation>
    </message>
    <message>
        <source>%1 has no 32-bit float samples; TIFF and OpenEXR have</source>
        <translation>%1 不支持 32 位浮点；TIFF 和 OpenEXR 支持</translation>
    </message>
    <message>
        <source>%1 has float samples only; leave --depth out or say f32</source>
        <translation>%1 只支持浮点；位深请选择与源文件相同或 32 位浮点</translation>
    </message>
    <message>
        <source>%1 has at most %2 bits a sample, %3 were asked for</source>
        <translation>%1 每个样本最多 %2 位，所选为 %3 位</translation>
    </message>
    <message>
        <source>metadata cannot be added: %1</source>
        <translation>无法写入元数据：%1</translation>
    </message>
    <message>
        <source>EXIF cannot be written: %1</source>
        <translation>无法写入 EXIF：%1</translation>
    </message>
    <message>
        <source>the file cannot be read</source>
        <translation>无法读取文件</translation>
    </message>
    <message>
        <source>the device refused the bytes</source>
        <translation>设备拒绝写入</translation>
    </message>
    <message>
        <source>the device refused the last bytes</source>
        <translation>设备拒绝写入末尾数据</translation>
    </message>
    <message>
        <source>no model &apos;%1&apos; for task %2, and no other for it, in %3</source>
        <translation>在 %3 中没有用于任务 %2 的模型“%1”，也没有其他可用模型</translation>
    </message>
    <message>
        <source>no model &apos;%1&apos; for task %2, installed: %3</source>
        <translation>没有用于任务 %2 的模型“%1”；已安装：%3</translation>
    </message>
    <message>
        <source>model &apos;%1&apos; is in none of %2</source>
        <translation>在 %2 中找不到模型“%1”</translation>
    </message>
    <message>
        <source>model &apos;%1&apos; is for task %2, expected %3</source>
        <translation>模型“%1”用于任务 %2，应为 %3</translation>
    </message>
    <message>
        <source>model &apos;%1&apos; does not fit into memory</source>
        <translation>内存不足，无法载入模型“%1”</translation>
    </message>
    <message>
        <source>model &apos;%1&apos; gave values that are no numbers</source>
        <translation>模型“%1”的输出含有非数值</translation>
    </message>
    <message>
        <source>model &apos;%1&apos; cannot be read</source>
        <translation>无法读取模型“%1”</translation>
    </message>
    <message>
        <source>model &apos;%1&apos; has %2 bytes, expected 8 at least</source>
        <translation>模型“%1”只有 %2 字节，至少应为 8 字节</translation>
    </message>
    <message>
        <source>model &apos;%1&apos; says its header has %2 bytes, the file has %3</source>
        <translation>模型“%1”声明文件头为 %2 字节，而文件只有 %3 字节</translation>
    </message>
    <message>
        <source>model &apos;%1&apos; has a header that is not JSON</source>
        <translation>模型“%1”的文件头不是 JSON</translation>
    </message>
    <message>
        <source>metadata has no &apos;pristine&apos; entry</source>
        <translation>元数据中没有“pristine”条目</translation>
    </message>
    <message>
        <source>No such file or directory</source>
        <translation>没有该文件或文件夹</translation>
    </message>
    <message>
        <source>Permission denied</source>
        <translation>权限不足</translation>
    </message>
    <message>
        <source>permission denied</source>
        <translation>权限不足</translation>
    </message>
    <message>
        <source>Is a directory</source>
        <translation>是文件夹</translation>
    </message>
    <message>
        <source>Not a directory</source>
        <translation>不是文件夹</translation>
    </message>
    <message>
        <source>File name too long</source>
        <translation>文件名过长</translation>
    </message>
    <message>
        <source>Read-only file system</source>
        <translation>文件系统为只读</translation>
    </message>
    <message>
        <source>Disk quota exceeded</source>
        <translation>超出磁盘配额</translation>
    </message>
    <message>
        <source>Input/output error</source>
        <translation>读写错误</translation>
    </message>
    <message>
        <source>No space left on device</source>
        <translation>磁盘空间不足</translation>
    </message>
    <message>
        <source>%1: No space left on device</source>
        <translation>磁盘空间不足：%1</translation>
    </message>
    <message>
        <source>%1: unable to open for write</source>
        <translation>无法写入 %1</translation>
    </message>
    <message>
        <source>unknown error</source>
        <translation>未知错误</translation>
    </message>
    <message>
        <source>cannot be read</source>
        <translation>无法读取</translation>
    </message>
    <message>
        <source>cannot be written</source>
        <translation>无法写入</translation>
    </message>
    <message>
        <source>cannot be read: %1</source>
        <translation>无法读取：%1</translation>
    </message>
    <message>
        <source>cannot be written: %1</source>
        <translation>无法写入：%1</translation>
    </message>
    <message>
        <source>cannot be used: %1</source>
        <translation>无法使用：%1</translation>
    </message>
    <message>
        <source>too little memory: %1</source>
        <translation>内存不足：%1</translation>
    </message>
    <message>
        <source>cannot be done: %1</source>
        <translation>无法完成：%1</translation>
    </message>
</context>
<context>
    <name>main</name>
    <message>
        <source>Restores photographs and compares them.</source>
        <translation>修复照片并进行对比。</translation>
    </message>
    <message>
        <source>A picture to compare with and to measure against.</source>
        <translation>用于对比和测量的图片。</translation>
    </message>
    <message>
        <source>file</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Files and folders to open.</source>
        <translation>要打开的文件和文件夹。</translation>
    </message>
</context>
<context>
    <name>pristine::gui::CompareView</name>
    <message>
        <source>Picture</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>zoom %1 %</source>
        <translation>缩放 %1%</translation>
    </message>
    <message>
        <source>%1, divider at %2 %</source>
        <translation>%1，分割线位于 %2%</translation>
    </message>
    <message>
        <source>difference × %1</source>
        <translation>差异 × %1</translation>
    </message>
</context>
<context>
    <name>pristine::gui::MainWindow</name>
    <message>
        <source>%1 · %2 M parameters · %3 · threads: %4</source>
        <translation>%1 · %2 M 参数 · %3 · 线程：%4</translation>
    </message>
    <message>
        <source>This model cannot be used.</source>
        <translation>无法使用此模型。</translation>
    </message>
    <message>
        <source>%1 pictures added</source>
        <translation>已添加 %1 张图片</translation>
    </message>
    <message>
        <source>Open pictures</source>
        <translation>打开图片</translation>
    </message>
    <message>
        <source>Open a folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>The clipboard holds no picture.</source>
        <translation>剪贴板中没有图片。</translation>
    </message>
    <message>
        <source>“%1” is not saved yet.</source>
        <translation>“%1”尚未保存。</translation>
    </message>
    <message>
        <source>Give up saving</source>
        <translation>放弃保存</translation>
    </message>
    <message>
        <source>pasted picture</source>
        <translation>粘贴的图片</translation>
    </message>
    <message>
        <source>8 bit</source>
        <translation>8 位</translation>
    </message>
    <message>
        <source>16 bit</source>
        <translation>16 位</translation>
    </message>
    <message>
        <source>float</source>
        <translation>浮点</translation>
    </message>
    <message>
        <source>original</source>
        <translation>原图</translation>
    </message>
    <message>
        <source>reference</source>
        <translation>参考图</translation>
    </message>
    <message>
        <source>reference, scaled from %1 × %2</source>
        <translation>参考图，由 %1 × %2 缩放</translation>
    </message>
    <message>
        <source>pinned result</source>
        <translation>固定的结果</translation>
    </message>
    <message>
        <source>restored</source>
        <translation>已修复</translation>
    </message>
    <message>
        <source>restored, %1 %</source>
        <translation>已修复，%1%</translation>
    </message>
    <message>
        <source>%1 %</source>
        <translation>%1%</translation>
    </message>
    <message>
        <source>Open a reference</source>
        <translation>打开参考图</translation>
    </message>
    <message>
        <source>Save the restored picture</source>
        <translation>保存修复后的图片</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>“%1” is saved as soon as the rest is restored.</source>
        <translation>其余部分修复完成后将保存“%1”。</translation>
    </message>
    <message>
        <source>Writing “%1” …</source>
        <translation>正在写入“%1”……</translation>
    </message>
    <message>
        <source>Saved “%1”</source>
        <translation>已保存“%1”</translation>
    </message>
    <message>
        <source>A pasted picture has no file name.</source>
        <translation>粘贴的图片没有文件名。</translation>
    </message>
    <message>
        <source>The command line is in the clipboard</source>
        <translation>命令行已复制到剪贴板</translation>
    </message>
    <message>
        <source>Stop the queue? The picture at hand will begin anew.</source>
        <translation>停止队列？当前图片将需要重新开始。</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>restoring, %1 %</source>
        <translation>正在修复，%1%</translation>
    </message>
    <message>
        <source>only what is visible is restored</source>
        <translation>仅修复可见部分</translation>
    </message>
    <message>
        <source>%1: %2</source>
        <translation>%1：%2</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>&amp;Open…</source>
        <translation>打开(&amp;O)…</translation>
    </message>
    <message>
        <source>Open &amp;folder…</source>
        <translation>打开文件夹(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Paste</source>
        <translation>粘贴(&amp;P)</translation>
    </message>
    <message>
        <source>Copy as &amp;command line</source>
        <translation>复制为命令行(&amp;C)</translation>
    </message>
    <message>
        <source>Open &amp;reference…</source>
        <translation>打开参考图(&amp;R)…</translation>
    </message>
    <message>
        <source>P&amp;in this result as before</source>
        <translation>将此结果固定为对照(&amp;I)</translation>
    </message>
    <message>
        <source>Re&amp;load</source>
        <translation>重新加载(&amp;L)</translation>
    </message>
    <message>
        <source>Recent files</source>
        <translation>最近的文件</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Start</source>
        <translation>开始(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Pause</source>
        <translation>暂停(&amp;P)</translation>
    </message>
    <message>
        <source>S&amp;top</source>
        <translation>停止(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Retry failed</source>
        <translation>重试失败项(&amp;R)</translation>
    </message>
    <message>
        <source>Re&amp;move from the queue</source>
        <translation>从队列中移除(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Clear finished</source>
        <translation>清除已完成(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Next picture</source>
        <translation>下一张(&amp;N)</translation>
    </message>
    <message>
        <source>Pre&amp;vious picture</source>
        <translation>上一张(&amp;V)</translation>
    </message>
    <message>
        <source>First picture</source>
        <translation>第一张</translation>
    </message>
    <message>
        <source>Last picture</source>
        <translation>最后一张</translation>
    </message>
    <message>
        <source>S&amp;plit</source>
        <translation>分割(&amp;P)</translation>
    </message>
    <message>
        <source>Side by side</source>
        <translation>并排</translation>
    </message>
    <message>
        <source>&amp;Blink</source>
        <translation>闪烁(&amp;B)</translation>
    </message>
    <message>
        <source>&amp;Difference</source>
        <translation>差异(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Lens</source>
        <translation>放大镜(&amp;L)</translation>
    </message>
    <message>
        <source>Show the original</source>
        <translation>显示原图</translation>
    </message>
    <message>
        <source>Turn the divider</source>
        <translation>旋转分割线</translation>
    </message>
    <message>
        <source>&amp;Fit</source>
        <translation>适合窗口(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;100 %</source>
        <translation>&amp;100%</translation>
    </message>
    <message>
        <source>&amp;200 %</source>
        <translation>&amp;200%</translation>
    </message>
    <message>
        <source>Fit or 100 %</source>
        <translation>适合窗口或 100%</translation>
    </message>
    <message>
        <source>Zoom &amp;in</source>
        <translation>放大(&amp;I)</translation>
    </message>
    <message>
        <source>Zoom &amp;out</source>
        <translation>缩小(&amp;O)</translation>
    </message>
    <message>
        <source>F&amp;ull screen</source>
        <translation>全屏(&amp;U)</translation>
    </message>
    <message>
        <source>Show the &amp;queue</source>
        <translation>显示队列(&amp;Q)</translation>
    </message>
    <message>
        <source>Show the &amp;settings</source>
        <translation>显示设置(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;sRGB</source>
        <translation>&amp;sRGB</translation>
    </message>
    <message>
        <source>ICC &amp;profile…</source>
        <translation>ICC 配置文件(&amp;P)…</translation>
    </message>
    <message>
        <source>Profile of the screen</source>
        <translation>屏幕的配置文件</translation>
    </message>
    <message>
        <source>ICC profiles (*.icc *.icm)</source>
        <translation>ICC 配置文件 (*.icc *.icm)</translation>
    </message>
    <message>
        <source>&amp;Keyboard shortcuts…</source>
        <translation>键盘快捷键(&amp;K)…</translation>
    </message>
    <message>
        <source>&amp;About Pristine</source>
        <translation>关于 Pristine(&amp;A)</translation>
    </message>
    <message>
        <source>About Pristine</source>
        <translation>关于 Pristine</translation>
    </message>
    <message>
        <source>&lt;h3&gt;Pristine %1&lt;/h3&gt;&lt;p&gt;Restores photographs on the processor.&lt;/p&gt;</source>
        <translation>&lt;h3&gt;Pristine %1&lt;/h3&gt;&lt;p&gt;在处理器上修复照片。&lt;/p&gt;</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>Recent &amp;files</source>
        <translation>最近的文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Queue</source>
        <translation>队列(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Compare</source>
        <translation>对比(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>主题(&amp;T)</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>L&amp;anguage</source>
        <translation>语言(&amp;A)</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>The language changes when the program starts again.</source>
        <translation>语言将在程序重新启动后更改。</translation>
    </message>
    <message>
        <source>Colours of the &amp;screen</source>
        <translation>屏幕色彩(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>工具</translation>
    </message>
    <message>
        <source>Progress of the picture</source>
        <translation>图片的进度</translation>
    </message>
    <message>
        <source>Drop photographs or a folder here</source>
        <translation>将照片或文件夹拖放到此处</translation>
    </message>
    <message>
        <source>What you see is restored first, the rest follows. Nothing leaves this computer.</source>
        <translation>先修复您看到的部分，其余随后完成。所有数据都不会离开这台电脑。</translation>
    </message>
    <message>
        <source>&amp;Save</source>
        <translation>保存(&amp;S)</translation>
    </message>
    <message>
        <source>Save &amp;as…</source>
        <translation>另存为(&amp;A)…</translation>
    </message>
    <message>
        <source>Pictures (%1)</source>
        <translation>图片 (%1)</translation>
    </message>
    <message>
        <source>Pictures of the last time that wait in the queue: %1</source>
        <translation>上次未完成、仍在队列中等待的图片：%1 张</translation>
    </message>
    <message>
        <source>result of “%1”</source>
        <translation>“%1”的结果</translation>
    </message>
    <message>
        <source>Done: %1, failed: %2</source>
        <translation>完成 %1 张，失败 %2 张</translation>
    </message>
    <message>
        <source>Done: %1</source>
        <translation>完成 %1 张</translation>
    </message>
    <message>
        <source>Pictures of the queue that are not done: %1. They wait for the next time.</source>
        <translation>队列中还有 %1 张图片未完成，将保留到下次。</translation>
    </message>
</context>
<context>
    <name>pristine::gui::MessageBar</name>
    <message>
        <source>… and %1 more</source>
        <translation>……以及另外 %1 项</translation>
    </message>
</context>
<context>
    <name>pristine::gui::PictureLoader</name>
    <message>
        <source>%1: does not fit into memory</source>
        <translation>%1：内存不足</translation>
    </message>
</context>
<context>
    <name>pristine::gui::PictureSaver</name>
    <message>
        <source>%1: the name must end with one of %2</source>
        <translation>%1：文件名必须以下列扩展名之一结尾：%2</translation>
    </message>
    <message>
        <source>%1: does not fit into memory</source>
        <translation>%1：内存不足</translation>
    </message>
</context>
<context>
    <name>pristine::gui::QueueController</name>
    <message>
        <source>%1: does not exist</source>
        <translation>%1：不存在</translation>
    </message>
    <message>
        <source>%1: holds no pictures</source>
        <translation>%1：没有图片</translation>
    </message>
    <message>
        <source>its output would replace it</source>
        <translation>其输出会覆盖它自身</translation>
    </message>
    <message>
        <source>%1: is no picture of a known kind</source>
        <translation>%1：不是已知类型的图片</translation>
    </message>
    <message>
        <source>its output %1 is that of %2 too</source>
        <translation>其输出 %1 同时也是 %2 的输出</translation>
    </message>
    <message>
        <source>its output would replace %1, which is in the queue</source>
        <translation>其输出会覆盖队列中的 %1</translation>
    </message>
    <message>
        <source>files of its kind cannot be written; choose a format</source>
        <translation>无法写入此类文件；请选择一种格式</translation>
    </message>
</context>
<context>
    <name>pristine::gui::QueueModel</name>
    <message>
        <source>%1, %2</source>
        <translation>%1，%2</translation>
    </message>
    <message>
        <source>%1 %</source>
        <translation>%1%</translation>
    </message>
    <message>
        <source>%1 MP, %2 s</source>
        <translation>%1 MP，%2 秒</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>running</source>
        <translation>进行中</translation>
    </message>
    <message>
        <source>done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>up to date</source>
        <translation>已是最新</translation>
    </message>
    <message>
        <source>left as it was</source>
        <translation>保持原样</translation>
    </message>
</context>
<context>
    <name>pristine::gui::QueuePanel</name>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Running</source>
        <translation>进行中</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>Pictures that you open or drop are listed here.</source>
        <translation>您打开或拖入的图片会列在这里。</translation>
    </message>
    <message>
        <source>Progress of the queue</source>
        <translation>队列的进度</translation>
    </message>
    <message>
        <source>no pictures</source>
        <translation>没有图片</translation>
    </message>
    <message>
        <source>%1 of %2 done</source>
        <translation>已完成 %1 / %2</translation>
    </message>
    <message>
        <source>%1 failed</source>
        <translation>%1 张失败</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>%1 left</source>
        <translation>剩余 %1</translation>
    </message>
</context>
<context>
    <name>pristine::gui::RecentFiles</name>
    <message>
        <source>none yet</source>
        <translation>暂无</translation>
    </message>
</context>
<context>
    <name>pristine::gui::ShortcutDialog</name>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
    <message>
        <source>Press Enter on a row to give it another key. On the picture, hold Space to see the original, Shift with an arrow moves the divider and Alt with an arrow the picture.</source>
        <translation>在某一行上按 Enter 可更改其按键。在图片上，按住空格键查看原图，Shift 加方向键移动分割线，Alt 加方向键移动图片。</translation>
    </message>
    <message>
        <source>Action</source>
        <translation>操作</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>按键</translation>
    </message>
    <message>
        <source>Reset all</source>
        <translation>全部重置</translation>
    </message>
    <message>
        <source>Press the new keys:</source>
        <translation>请按下新的按键：</translation>
    </message>
    <message>
        <source>New keys</source>
        <translation>新的按键</translation>
    </message>
    <message>
        <source>%1 is taken by “%2”.</source>
        <translation>%1 已被“%2”占用。</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>使用</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>pristine::gui::TaskPanel</name>
    <message>
        <source>Task</source>
        <translation>任务</translation>
    </message>
    <message>
        <source>Denoise</source>
        <translation>降噪</translation>
    </message>
    <message>
        <source>JPEG</source>
        <translation>JPEG 修复</translation>
    </message>
    <message>
        <source>Upscale</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Best</source>
        <translation>最佳</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>快速</translation>
    </message>
    <message>
        <source>Camera noise</source>
        <translation>相机噪点</translation>
    </message>
    <message>
        <source>Photograph</source>
        <translation>照片</translation>
    </message>
    <message>
        <source>Sc&amp;ale</source>
        <translation>放大倍数(&amp;A)</translation>
    </message>
    <message>
        <source>Save as…</source>
        <translation>另存为…</translation>
    </message>
    <message>
        <source>Copy as command line</source>
        <translation>复制为命令行</translation>
    </message>
    <message>
        <source>&amp;Model</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <source> %</source>
        <translation>%</translation>
    </message>
    <message>
        <source>St&amp;rength</source>
        <translation>强度(&amp;R)</translation>
    </message>
    <message>
        <source>Strength in percent</source>
        <translation>强度百分比</translation>
    </message>
    <message>
        <source>Strength</source>
        <translation>强度</translation>
    </message>
    <message>
        <source>Restore the whole picture</source>
        <translation>修复整张图片</translation>
    </message>
    <message>
        <source>Go on beyond the visible part in the background</source>
        <translation>在后台继续修复可见部分以外的区域</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>f32, the reference</source>
        <translation>f32，参考精度</translation>
    </message>
    <message>
        <source>bf16, where the processor has it</source>
        <translation>bf16，需处理器支持</translation>
    </message>
    <message>
        <source>&amp;Precision</source>
        <translation>精度(&amp;P)</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>&amp;Threads</source>
        <translation>线程(&amp;T)</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Original</source>
        <translation>原图</translation>
    </message>
    <message>
        <source>Reference file</source>
        <translation>参考文件</translation>
    </message>
    <message>
        <source>Pinned result</source>
        <translation>固定的结果</translation>
    </message>
    <message>
        <source>&amp;Before</source>
        <translation>对照(&amp;B)</translation>
    </message>
    <message>
        <source>Reference…</source>
        <translation>参考图…</translation>
    </message>
    <message>
        <source>A file to compare with and to measure PSNR and SSIM against</source>
        <translation>用于对比并计算 PSNR 和 SSIM 的文件</translation>
    </message>
    <message>
        <source>Forget the reference</source>
        <translation>移除参考图</translation>
    </message>
    <message>
        <source>Difference &amp;gain</source>
        <translation>差异增益(&amp;G)</translation>
    </message>
    <message>
        <source>Output</source>
        <translation>输出</translation>
    </message>
    <message>
        <source>“restored” beside each picture</source>
        <translation>每张图片旁的“restored”</translation>
    </message>
    <message>
        <source>Choose a folder…</source>
        <translation>选择文件夹…</translation>
    </message>
    <message>
        <source>Folder for restored pictures</source>
        <translation>修复图片的文件夹</translation>
    </message>
    <message>
        <source>Choose a model file…</source>
        <translation>选择模型文件…</translation>
    </message>
    <message>
        <source>Model file</source>
        <translation>模型文件</translation>
    </message>
    <message>
        <source>Models (*.safetensors)</source>
        <translation>模型 (*.safetensors)</translation>
    </message>
    <message>
        <source>int8, where processor and model have it</source>
        <translation>int8（若处理器和模型支持）</translation>
    </message>
    <message>
        <source>As the source</source>
        <translation>与源文件相同</translation>
    </message>
    <message>
        <source>F&amp;ormat</source>
        <translation>格式(&amp;O)</translation>
    </message>
    <message>
        <source>8 bit</source>
        <translation>8 位</translation>
    </message>
    <message>
        <source>16 bit</source>
        <translation>16 位</translation>
    </message>
    <message>
        <source>32-bit float</source>
        <translation>32 位浮点</translation>
    </message>
    <message>
        <source>&amp;Depth</source>
        <translation>位深(&amp;D)</translation>
    </message>
    <message>
        <source>Redo what is out of date</source>
        <translation>重做已过期的结果</translation>
    </message>
    <message>
        <source>Leave it</source>
        <translation>保留原有结果</translation>
    </message>
    <message>
        <source>Overwrite</source>
        <translation>覆盖</translation>
    </message>
    <message>
        <source>Add a number to the name</source>
        <translation>在文件名后加编号</translation>
    </message>
    <message>
        <source>Fail</source>
        <translation>视为失败</translation>
    </message>
    <message>
        <source>If a result e&amp;xists</source>
        <translation>若结果已存在(&amp;X)</translation>
    </message>
    <message>
        <source>Queue fold&amp;er</source>
        <translation>队列文件夹(&amp;E)</translation>
    </message>
    <message>
        <source>Qual&amp;ity of lossy formats</source>
        <translation>有损格式的质量(&amp;I)</translation>
    </message>
    <message>
        <source>Result of “%1”</source>
        <translation>“%1”的结果</translation>
    </message>
</context>
<context>
    <name>pristine::gui::ViewMetrics</name>
    <message>
        <source>%1 dB, SSIM %2</source>
        <translation>%1 dB，SSIM %2</translation>
    </message>
    <message>
        <source>the reference has another size</source>
        <translation>参考图的尺寸不同</translation>
    </message>
    <message>
        <source>view: %1 → %2</source>
        <translation>视图：%1 → %2</translation>
    </message>
</context>
</TS>
